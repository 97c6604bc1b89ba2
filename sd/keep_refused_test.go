package sd_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// picky refuses an instance of weight 7 until it is mended.
type picky struct {
	place
	mended atomic.Bool
	held   atomic.Bool // now
	lose   chan struct{}
}

func newPicky() *picky {
	p := &picky{lose: make(chan struct{})}
	p.put = func(_ context.Context, _ int, in sd.Instance) error {
		if in.Weight == 7 && !p.mended.Load() {
			return sd.Permanent(errRefused)
		}
		if in.Meta["written"] != "" {
			p.t.Error("the Meta that an entry wrote to is given to it again")
		}
		if in.Meta != nil {
			in.Meta["written"] = "by the entry"
		}
		return nil
	}
	p.hold = func(ctx context.Context, _ int) error {
		p.held.Store(true)
		defer p.held.Store(false)
		select {
		case <-p.lose:
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p
}

func (p *picky) last() sd.Instance {
	puts, _ := p.log()
	return puts[len(puts)-1].in
}

func picked(weight int) sd.Instance {
	in := weighing(weight)
	in.Meta = map[string]string{"k": "v"}
	return in
}

// A change that the registry refuses must not cost the instance its place: nobody
// would renew the lease while it is tried again.
func TestKeepHoldsWhatARefusedUpdateWasToReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPicky()
		r := keep(t, &p.place)
		if err := r.Update(t.Context(), picked(1)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Update(ctx, picked(7)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errRefused) {
			t.Errorf("a refused Update returns %v; want the context's error and the refusal", err)
		}
		standsStill := func(when string) {
			t.Helper()
			for range 300 {
				time.Sleep(time.Second)
				synctest.Wait()
				state := r.State()
				if in := p.last(); !p.held.Load() || in.Weight != 1 || in.Meta["k"] != "v" ||
					!state.Registered || !errors.Is(state.Err, errRefused) {
					t.Fatalf("%s: held %t, with %+v put last, in the state %+v", when, p.held.Load(), in, state)
				}
			}
		}
		since := r.State().Since
		standsStill("refused")
		if !r.State().Since.Equal(since) {
			t.Error("a refusal is a new registration")
		}
		p.lose <- struct{}{}
		synctest.Wait()
		if state := r.State(); state.Registered || !errors.Is(state.Err, errRefused) || !errors.Is(state.Err, errGone) {
			t.Errorf("refused and lost, the state is %+v", state)
		}
		time.Sleep(10 * time.Second)
		standsStill("lost and put back")
		p.mended.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if state := r.State(); p.last().Weight != 7 || !state.Registered || state.Err != nil {
			t.Errorf("what was mended: %+v was put last, in the state %+v", p.last(), state)
		}
	})
}

// The next change need not wait until the refused one is tried again.
func TestUpdateAfterARefusedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPicky()
		r := keep(t, &p.place)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_ = r.Update(ctx, picked(7))
		synctest.Wait()
		start := time.Now()
		if err := r.Update(t.Context(), picked(2)); err != nil || time.Since(start) > 0 {
			t.Errorf("Update returns %v after %v; want nil at once", err, time.Since(start))
		}
		synctest.Wait()
		if state := r.State(); !p.held.Load() || p.last().Weight != 2 || !state.Registered || state.Err != nil {
			t.Errorf("held %t, with %+v put last, in the state %+v", p.held.Load(), p.last(), state)
		}
	})
}

// Both errors are told if not even what stood before can be put.
func TestRefusedUpdateInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPicky()
		refuse := p.put
		p.put = func(ctx context.Context, n int, in sd.Instance) error {
			if err := refuse(ctx, n, in); in.Weight == 7 || err == nil && n == 1 {
				return err
			}
			return errDown
		}
		r := keep(t, &p.place)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = r.Update(ctx, picked(7))
		if state := r.State(); state.Registered || !errors.Is(state.Err, errRefused) || !errors.Is(state.Err, errDown) {
			t.Errorf("the state is %+v", state)
		}
		// At most two in a delay, which is 5 s on average.
		if puts, _ := p.log(); len(puts) > 80 {
			t.Errorf("%d puts in a minute", len(puts))
		}
	})
}
