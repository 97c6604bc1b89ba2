package grpckit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/transport/grpckit"
)

// A connection of grpc-go's own that falls asleep while its server is out is woken by
// who waits for it.
func TestReadyWakesAConnectionThatFallsAsleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wire := newWiredFleet(t, 1)
		addr := f.members[0].Addr
		wire.lose(addr, "refused")
		conn := dialPlain(t, "passthrough:///"+addr, grpc.WithContextDialer(wire.dial), grpc.WithIdleTimeout(time.Minute))
		defer conn.Close()
		done := make(chan error, 1)
		go func() { done <- grpckit.Ready(t.Context(), conn) }()
		time.Sleep(10 * time.Minute)
		wire.restore(addr)
		time.Sleep(10 * time.Minute)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("it still waits, and the connection is %v", conn.GetState())
			_ = conn.Close()
			<-done
		}
	})
}
