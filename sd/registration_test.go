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

func weighing(n int) sd.Instance { return sd.Instance{ID: "a", Addr: "h:1", Weight: n} }

func TestDeregisterOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{remove: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		r := keep(t, p)
		start := time.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := r.Deregister(t.Context()); err != nil {
					t.Error(err)
				}
				if _, removes := p.log(); removes != 1 || time.Since(start) != time.Second {
					t.Errorf("%d removes; want one, and that it is over", removes)
				}
			})
		}
		wg.Wait()
		if state := r.State(); state.Registered || state.Err != nil {
			t.Errorf("the state is %+v", state)
		}
	})
}

func TestDeregisterAgainAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{remove: func(_ context.Context, n int) error {
			if n < 3 {
				return errDown
			}
			return nil
		}}
		r := keep(t, p)
		for n := 1; n <= 4; n++ {
			err := r.Deregister(t.Context())
			if n < 3 != errors.Is(err, errDown) || n >= 3 && err != nil {
				t.Errorf("Deregister %d returns %v", n, err)
			}
			if state := r.State(); !errors.Is(state.Err, err) || state.Registered != (n < 3) {
				t.Errorf("after Deregister %d the state is %+v", n, state)
			}
			if err := r.Update(t.Context(), weighing(n)); !errors.Is(err, sd.ErrDeregistered) || r.Instance().Weight == n {
				t.Errorf("Update after Deregister %d returns %v and wants %+v", n, err, r.Instance())
			}
		}
		if _, removes := p.log(); removes != 3 {
			t.Errorf("%d removes; want 3", removes)
		}
	})
}

func TestDeregisterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		p := &place{
			remove: func(ctx context.Context, n int) error {
				if n > 1 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			},
			// An adapter that does not heed its context at once.
			hold: func(ctx context.Context, _ int) error { <-stuck; return ctx.Err() },
		}
		r := keep(t, p)
		synctest.Wait() // it holds
		bounded := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			err := r.Deregister(ctx)
			if time.Since(start) > time.Second {
				t.Errorf("Deregister returns after %v", time.Since(start))
			}
			return err
		}
		if err := bounded(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while Hold is stuck Deregister returns %v", err)
		}
		if _, removes := p.log(); removes != 0 {
			t.Error("Remove runs beside Hold")
		}
		close(stuck)
		// The second waits for the first's Remove, and for no longer than its own.
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := bounded(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("while Remove is stuck Deregister returns %v", err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Deregister(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("beside another Deregister it returns %v", err)
		}
		wg.Wait()
		if err := bounded(); err != nil {
			t.Error(err)
		}
	})
}

// A context that never ends does not make Deregister wait for a registry for ever.
func TestDeregisterIsBoundedWithoutADeadline(t *testing.T) {
	hang := func(ctx context.Context, n int) error {
		if n > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	for set, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, 0: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var states []sd.RegistrationState
			r := keep(t, &place{remove: hang}, sd.KeepTimeout(set),
				sd.KeepNotify(func(s sd.RegistrationState) { states = append(states, s) }))
			start := time.Now()
			err := r.Deregister(context.Background())
			if d := time.Since(start); d != want || !errors.Is(err, sd.ErrTimeout) || !strings.Contains(err.Error(), want.String()) {
				t.Errorf("KeepTimeout(%v): Deregister returns %v after %v; want sd.ErrTimeout after %v", set, err, d, want)
			}
			if last := states[len(states)-1]; !last.Registered || !errors.Is(last.Err, sd.ErrTimeout) {
				t.Errorf("the last state is %+v", last)
			}
			if err := r.Deregister(context.Background()); err != nil {
				t.Errorf("again it returns %v", err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := keep(t, &place{remove: hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Deregister(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sd.ErrTimeout) {
			t.Errorf("with a deadline of its own Deregister returns %v", err)
		}
	})
}

func TestDeregisterSurvivesItsEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keep(t, &place{remove: func(_ context.Context, n int) error {
			if n == 1 {
				panic("a broken adapter")
			}
			return nil
		}})
		if _, ok := errors.AsType[*sd.PanicError](r.Deregister(t.Context())); !ok {
			t.Error("the panic of Remove is no error of Deregister")
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Errorf("again it returns %v", err)
		}
	})
}

// A Put that Deregister cut short may have passed, so Remove comes after it.
func TestDeregisterDuringAPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(ctx context.Context, n int, _ sd.Instance) error {
			if n > 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}
		r := keep(t, p)
		go func() { _ = r.Update(t.Context(), weighing(1)) }()
		synctest.Wait()
		start := time.Now()
		if err := r.Deregister(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("Deregister returns %v after %v", err, time.Since(start))
		}
		if puts, removes := p.log(); len(puts) != 2 || removes != 1 {
			t.Errorf("%d puts and %d removes; want 2 and 1", len(puts), removes)
		}
	})
}

func TestRegistrationConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{
			put: func(_ context.Context, n int, _ sd.Instance) error {
				if n%5 == 4 {
					return errDown
				}
				return nil
			},
			hold: func(ctx context.Context, n int) error {
				if n%3 == 0 {
					return errGone
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}
		r := keep(t, p)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 50 {
					if err := r.Update(t.Context(), weighing(i*50+n)); err != nil && !errors.Is(err, sd.ErrDeregistered) {
						t.Error(err)
					}
					r.State()
					r.Instance()
				}
			})
		}
		wg.Go(func() {
			time.Sleep(2 * time.Second)
			if err := r.Deregister(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
	})
}
