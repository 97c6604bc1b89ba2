package lb_test

import (
	"context"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// A retry whose strategy insists on what was tried goes to one that is well, and to one
// that is ejected only if there is no other.
func TestARetryAvoidsWhoIsEjected(t *testing.T) {
	for name, s := range map[string]lb.Strategy{"eject": lb.Eject(lb.LeastRequest()), "slow start": lb.SlowStart(lb.Eject(lb.LeastRequest()))} {
		e, _ := endpointer(t, instances(4), nil)
		b := lb.New(e, s)
		for len(b.Ejected()) < 2 {
			l, err := b.Pick(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if l.Instance().ID >= "i0002" {
				err = context.DeadlineExceeded
			}
			l.Done(t.Context(), err)
		}
		e.Set().Node(1).Acquire() // so that the other one has less load
		counts := map[string]int{}
		pick := func(avoid ...string) {
			ctx := call.With(t.Context(), call.Attempt(2, avoid))
			l, err := b.Pick(ctx)
			if err != nil {
				t.Fatal(err)
			}
			counts[l.Instance().ID]++
			l.Done(ctx, nil)
		}
		for range 200 {
			pick("i0000")
		}
		if counts["i0001"] != 200 {
			t.Errorf("%s: retries go to %v", name, counts)
		}
		pick("i0000", "i0001", "i0002")
		if counts["i0003"] != 1 {
			t.Errorf("%s: a retry that avoids all but one goes to %v", name, counts)
		}
		e.Set().Node(1).Release()
	}
}
