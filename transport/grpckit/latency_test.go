package grpckit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// A strategy learns how long a call took, and when it ended: of two servers the fast one
// gets nearly all calls, and when it is the slow one, the other. Time runs in a bubble,
// so that nothing but the servers takes any.
func TestPicksSeeLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wire := newWiredFleet(t, 2)
		conn := f.client(lb.PeakEWMA(), wire.option())
		defer conn.Close()
		f.answers(conn, f.members...)
		client := echopb.NewEchoClient(conn)
		for slow := range 2 {
			f.members[slow].delay.Store(int64(200 * time.Millisecond))
			f.members[1-slow].delay.Store(int64(time.Millisecond))
			time.Sleep(time.Minute) // and what was before is forgotten
			before := f.members[slow].calls.Load()
			for range 200 {
				if _, err := client.Say(t.Context(), &echopb.Message{}); err != nil {
					t.Fatal(err)
				}
			}
			if n := f.members[slow].calls.Load() - before; n > 20 {
				t.Errorf("the slow one got %d calls of 200", n)
			}
		}
	})
}
