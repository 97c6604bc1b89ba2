package grpckit_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// waits and fails are what a pick does that finds nobody: the first while there is hope.
func (r *rig) waits(t testing.TB, when string) {
	t.Helper()
	if id, err := r.try(t.Context()); err != balancer.ErrNoSubConnAvailable {
		t.Errorf("%s: a call is for %q, %v, and does not wait", when, id, err)
	}
}

func (r *rig) fails(t testing.TB, when, why string) {
	t.Helper()
	id, err := r.try(t.Context())
	if err == nil || err == balancer.ErrNoSubConnAvailable || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: a call is for %q, %v, and does not fail for %q", when, id, err, why)
	}
}

// A connection that is lost is made again, and a call waits for that. It fails once that
// has failed, and the one that stands again forgets it.
func TestALostConnectionIsHoped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin(), "a")
		r.meet("a", errHangs)
		r.lose("a")
		r.waits(t, "lost")
		r.meet("a", errors.New("refused"))
		r.subs["a"].Connect()
		r.fails(t, "refused", "refused")
		r.meet("a", nil)
		r.subs["a"].Connect()
		if _, err := r.try(t.Context()); err != nil {
			t.Errorf("back: %v", err)
		}
		r.meet("a", errHangs)
		r.lose("a")
		r.waits(t, "lost again")
	})
}

// An instance that could not be dialed gives no new hope because another comes and goes,
// and none at all once it has left.
func TestADialThatFailedCountsInTheNextSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.RoundRobin())
		r.meet("a", errors.New("refused"))
		r.meet("b", errHangs)
		r.publish(t, "a")
		synctest.Wait()
		r.fails(t, "alone", "refused")
		r.publish(t, "a", "b")
		synctest.Wait()
		r.waits(t, "with one that may be there")
		r.publish(t, "a")
		synctest.Wait()
		r.fails(t, "without it", "refused")
		r.publish(t)
		synctest.Wait()
		r.fails(t, "nobody", "of 0 known")
		if _, err := r.try(t.Context()); strings.Contains(err.Error(), "refused") {
			t.Errorf("of one that has left it is said that %v", err)
		}
	})
}

// A dial that goes on when its instance has left and is there again says nothing of that:
// neither its connection nor its failure counts.
func TestADialThatIsOutOfDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := func(r *rig, others ...string) {
			release := r.hold("a")
			r.publish(t, append(others, "a")...)
			synctest.Wait()
			r.publish(t, others...)
			synctest.Wait()
			r.publish(t, append(others, "a")...)
			synctest.Wait()
			release()
			synctest.Wait()
		}
		for range 20 { // of its success and its end either may be noticed first
			r := newRig(t, lb.RoundRobin(), "b")
			again(r, "b")
			served := map[string]int{}
			for range 20 {
				id, err := r.try(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				served[id]++
			}
			if served["a"] != 10 {
				t.Fatalf("of 20 calls were served %v", served)
			}
		}
		r := newRig(t, lb.RoundRobin())
		r.meet("a", errHangs)
		again(r)
		r.waits(t, "while it is dialed again")
	})
}

// What a registry said before it had a set again is not said any more.
func TestASetEndsTheErrorOfTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan []*sd.Instance)
		watch := func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
			return func(yield func([]*sd.Instance, error) bool) {
				if !yield(nil, errors.New("the registry is out")) {
					return
				}
				for {
					select {
					case set := <-next:
						if !yield(set, nil) {
							return
						}
					case <-ctx.Done():
						return
					}
				}
			}
		}
		r := &rig{fate: map[string]error{"a": errors.New("refused")}, subs: map[string]*rigged{}}
		r.balance(t, sd.InstancerFunc(watch), lb.RoundRobin())
		time.Sleep(time.Minute)
		synctest.Wait()
		r.fails(t, "out", "the registry is out")
		next <- sd.NextSet(nil, []sd.Instance{{ID: "a", Addr: "a:1"}})
		synctest.Wait()
		r.fails(t, "a set", "refused")
		if _, err := r.try(t.Context()); strings.Contains(err.Error(), "the registry is out") {
			t.Errorf("after a set it is said that %v", err)
		}
	})
}

// A retry that avoids who is connected does not wait for who is not.
func TestARetryAsksWhomItAvoidsBeforeItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, strategy := range map[string]lb.Strategy{
			"round robin": lb.RoundRobin(), "least request": lb.LeastRequest(), "Peak EWMA": lb.PeakEWMA(), "hash": lb.ConsistentHash(),
		} {
			r := newRig(t, strategy, "a", "b")
			r.meet("b", errHangs)
			r.lose("b")
			for range 20 {
				if id, err := r.try(call.With(t.Context(), call.Attempt(1, []string{"a"}))); id != "a" || err != nil {
					t.Errorf("%s: the retry is for %q, %v", name, id, err)
				}
			}
		}
	})
}

// Nor does it go back to whom it avoids while another is connected, however busy.
func TestARetryPassesOverWhoIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.LeastRequest(), "a", "b", "c")
		for busy := false; !busy; {
			p, err := r.pick(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if busy = p.SubConn.(*rigged).id == "c"; !busy {
				p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
			}
		}
		r.meet("b", errHangs)
		r.lose("b")
		for range 200 {
			if id, err := r.try(call.With(t.Context(), call.Attempt(1, []string{"a"}))); id != "c" || err != nil {
				t.Fatalf("the retry is for %q, %v", id, err)
			}
		}
	})
}
