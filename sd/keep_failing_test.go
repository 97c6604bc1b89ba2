package sd_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// newFailing is as newPicky, but of an adapter that calls no failure permanent.
func newFailing() *picky {
	p := newPicky()
	p.put = func(_ context.Context, _ int, in sd.Instance) error {
		if in.Weight == 7 && !p.mended.Load() {
			return errDown
		}
		return nil
	}
	return p
}

// A registry that takes no change for a while keeps what is renewed.
func TestKeepHoldsWhatStandsWhileAnUpdateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFailing()
		r := keep(t, &p.place)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Update(ctx, picked(7)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Errorf("Update returns %v; want the context's error and the registry's", err)
		}
		for range 300 {
			time.Sleep(time.Second)
			synctest.Wait()
			if state := r.State(); !p.held.Load() || !state.Registered || !errors.Is(state.Err, errDown) {
				t.Fatalf("held %t in the state %+v", p.held.Load(), state)
			}
		}
		puts, _ := p.log()
		for _, put := range puts[1:] {
			if put.in.Weight != 7 {
				t.Error("what may have been replaced is put again")
			}
		}
		// An attempt in 5 s on average.
		if len(puts) > 150 {
			t.Errorf("%d puts in six minutes", len(puts))
		}
		start := time.Now()
		if err := r.Update(t.Context(), picked(2)); err != nil || time.Since(start) > 0 {
			t.Errorf("the next Update returns %v after %v; want nil at once", err, time.Since(start))
		}
		if state := r.State(); !state.Registered || state.Err != nil {
			t.Errorf("the state is %+v", state)
		}
	})
}

// What is lost meanwhile is not held any more, and is told as lost.
func TestAnEntryIsLostWhileAnUpdateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFailing()
		r := keep(t, &p.place)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = r.Update(ctx, picked(7))
		synctest.Wait()
		p.lose <- struct{}{}
		synctest.Wait()
		if state := r.State(); state.Registered || !errors.Is(state.Err, errDown) || !errors.Is(state.Err, errGone) {
			t.Errorf("failed and lost, the state is %+v", state)
		}
		for range 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			if p.held.Load() || r.State().Registered {
				t.Fatalf("held %t in the state %+v", p.held.Load(), r.State())
			}
		}
		p.mended.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if state := r.State(); !p.held.Load() || p.last().Weight != 7 || !state.Registered || state.Err != nil {
			t.Errorf("mended: held %t, with %+v put last, in the state %+v", p.held.Load(), p.last(), state)
		}
	})
}
