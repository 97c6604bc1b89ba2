package grpckit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/dowelkit/dowel/lb"
)

// A server that accepts and then loses every connection is connected to ever less often,
// calls are told, and once it is well it serves: also if grpc-go never says that a
// connection stood, as it does where the loss comes first.
func TestAConnectionThatIsLostAtOnce(t *testing.T) {
	for _, fate := range []error{errLost, errLostUntold} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, lb.RoundRobin(), "a")
			r.meet("a", fate)
			r.lose("a")
			r.fails(t, fate.Error(), "lost as soon as it stood")
			before := r.attempts("a")
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			// One in five seconds, in the mean.
			if n := r.attempts("a") - before; n < 60 || n > 300 {
				t.Errorf("%v: %d connections in ten minutes", fate, n)
			}
			// The next one that is refused has grpc-go's time to wait, and no other.
			r.meet("a", errors.New("refused"))
			time.Sleep(10 * time.Second)
			synctest.Wait()
			before = r.attempts("a")
			r.lose("a")
			r.fails(t, fate.Error(), "refused")
			if n := r.attempts("a") - before; n != 1 {
				t.Errorf("%v: once it is refused %d connections begin", fate, n)
			}
			r.meet("a", nil)
			r.lose("a")
			if _, err := r.try(t.Context()); err != nil {
				t.Errorf("%v: once it is well a call is told %v", fate, err)
			}
		})
	}
}

// One that leaves while it waits for its next connection gets none any more.
func TestAConnectionThatIsLostAtOnceAndLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin(), "a")
		r.meet("a", errLost)
		r.lose("a") // the next one begins within a tenth of a second
		r.publish(t)
		synctest.Wait()
		before := r.attempts("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.attempts("a") - before; n != 0 {
			t.Errorf("%d connections begin after it left", n)
		}
	})
}

// Nor is one waited for longer than its neighbours if it was never connected.
func TestAFirstConnectionThatIsLostAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin(), "a")
		r.meet("b", errLostUntold)
		r.publish(t, "a", "b")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := r.attempts("b"); n < 60 || n > 600 {
			t.Errorf("%d connections in ten minutes", n)
		}
		r.meet("b", nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		served := map[string]bool{}
		for range 4 {
			id, _ := r.try(t.Context())
			served[id] = true
		}
		if !served["b"] {
			t.Errorf("once it is well %v serve", served)
		}
	})
}

// A connection that was of use is replaced at once, be it ever so short: there are
// servers that end each after so many calls. So is one that lasted.
func TestAConnectionThatWasOfUseIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin(), "a")
		for i := range 20 {
			if i < 10 {
				p, err := r.pick(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
			} else {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			r.lose("a")
			if _, err := r.pick(context.Background()); err != nil {
				t.Fatalf("after %d of them: %v", i+1, err)
			}
		}
		r.lose("a")
		if _, err := r.pick(t.Context()); err != nil {
			t.Errorf("and then one that was not: %v", err)
		}
	})
}

// So is one whose calls go on: a server that takes so many and lets them end.
func TestAConnectionThatDrainsIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin(), "a")
		var calls []balancer.PickResult
		for i := range 20 {
			p, err := r.pick(t.Context())
			if err != nil {
				t.Fatalf("after %d of them: %v", i, err)
			}
			calls = append(calls, p)
			r.lose("a")
		}
		// Not so if they break off, be it noticed after the connection is lost.
		for _, p := range calls {
			p.Done(balancer.DoneInfo{BytesSent: true})
		}
		for range 3 {
			p, err := r.pick(t.Context())
			if err != nil {
				break
			}
			r.lose("a")
			p.Done(balancer.DoneInfo{BytesSent: true})
		}
		r.fails(t, "calls break off", "lost as soon as it stood")
	})
}
