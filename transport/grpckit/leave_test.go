package grpckit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// held are credentials that a call waits for. It has been picked for an instance then,
// but has no stream yet.
type held chan struct{}

func (h held) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	<-h
	return nil, nil
}

func (held) RequireTransportSecurity() bool { return false }

// A call that was picked for an instance which leaves before it has a stream there is
// answered, beside a stream that stays; and what was lost in the meantime is not dialed.
func TestACallOnItsWayToWhoLeavesIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wire := newWiredFleet(t, 2)
		conn := f.client(lb.RoundRobin(), wire.option())
		defer conn.Close()
		f.answers(conn, f.members...)
		client := echopb.NewEchoClient(conn)
		for range 2 {
			if _, err := client.Chat(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		hold, answers := make(held), make(chan error, 2)
		for range 2 {
			go func() {
				_, err := client.Say(within(t), &echopb.Message{}, grpc.PerRPCCredentials(hold))
				answers <- err
			}()
		}
		synctest.Wait()
		f.publish(f.members[1])
		f.answers(conn, f.members[1])
		close(hold)
		for range 2 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		dialed := f.members[0].accepted.Load()
		wire.lose(f.members[0].Addr, "")
		time.Sleep(time.Minute)
		if n := f.members[0].accepted.Load(); n != dialed || conn.GetState() != connectivity.Ready {
			t.Errorf("who left is dialed %d times more; %v", n-dialed, conn.GetState())
		}
	})
}
