package sd_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// The clock stands still while it is made: nothing waits for a delay.
func TestUpdateWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(place)
		r := keep(t, p)
		time.Sleep(time.Minute)
		start := time.Now()
		for n := range 5 {
			if err := r.Update(t.Context(), weighing(n)); err != nil {
				t.Fatal(err)
			}
			puts, _ := p.log()
			if got := puts[len(puts)-1].in; got.Weight != n || len(puts) != n+2 {
				t.Errorf("after update %d there were %d puts, the last of %+v", n, len(puts), got)
			}
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("the updates took %v", d)
		}
		if state := r.State(); !state.Registered || r.Instance().Weight != 4 || state.Since.Equal(start) {
			t.Errorf("%+v is in the state %+v; an update is no new registration", r.Instance(), state)
		}
	})
}

func TestUpdateWhileTheRegistryIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			if n > 1 && n < 8 {
				return errDown
			}
			return nil
		}}
		r := keep(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		synctest.Wait()
		if err := r.Update(ctx, weighing(1)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Errorf("Update returns %v; want the context's error and the registry's", err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := r.Update(t.Context(), weighing(2)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		puts, _ := p.log()
		if last := puts[len(puts)-1].in; len(puts) != 8 || last.Weight != 2 {
			t.Errorf("there were %d puts, the last of %+v; want 8, of the newest", len(puts), last)
		}
	})
}

// An update whose caller has left is made all the same.
func TestUpdateOutlivesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(place)
		r := keep(t, p)
		done, cancel := context.WithCancel(t.Context())
		cancel()
		_ = r.Update(done, weighing(3))
		time.Sleep(time.Minute)
		if puts, _ := p.log(); puts[len(puts)-1].in.Weight != 3 {
			t.Errorf("the last put is of %+v", puts[len(puts)-1].in)
		}
	})
}

// What changes while a Put runs is put by the next.
func TestUpdateDuringAPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			if n == 2 {
				time.Sleep(5 * time.Second)
			}
			return nil
		}}
		r := keep(t, p)
		var wg sync.WaitGroup
		wg.Go(func() { _ = r.Update(t.Context(), weighing(1)) })
		time.Sleep(time.Second)
		if err := r.Update(t.Context(), weighing(2)); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if puts, _ := p.log(); len(puts) != 3 || puts[1].in.Weight != 1 || puts[2].in.Weight != 2 {
			t.Errorf("the puts are %+v", puts)
		}
	})
}

func TestUpdateMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(place)
		r := keep(t, p)
		for _, c := range []struct {
			in   sd.Instance
			says string
		}{
			{sd.Instance{ID: "a", Addr: "h"}, "not host:port"},
			{sd.Instance{ID: "b", Addr: "h:1"}, "the ID cannot change to b"},
			{sd.Instance{Addr: "h:1"}, "the ID cannot change to h:1"},
		} {
			if err := r.Update(t.Context(), c.in); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Update to %+v returns %v; want %s", c.in, err, c.says)
			}
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Update(t.Context(), weighing(1)); !errors.Is(err, sd.ErrDeregistered) {
			t.Errorf("Update after Deregister returns %v", err)
		}
		if puts, _ := p.log(); len(puts) != 1 {
			t.Errorf("%d puts; want the first alone", len(puts))
		}
	})
}

func TestDeregisterEndsAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			if n > 1 {
				return errDown
			}
			return nil
		}}
		r := keep(t, p)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := r.Update(t.Context(), weighing(1)); !errors.Is(err, sd.ErrDeregistered) {
				t.Errorf("Update returns %v", err)
			}
		})
		time.Sleep(time.Minute)
		start := time.Now()
		if err := r.Deregister(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("in a delay Deregister returns %v after %v; want nil at once", err, time.Since(start))
		}
		wg.Wait()
	})
}
