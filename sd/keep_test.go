package sd_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

var (
	errDown    = errors.New("the registry is down")
	errGone    = errors.New("the lease is gone")
	errRefused = errors.New("refused")
)

func TestKeepTriesUntilThePutSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			if n <= 3 {
				return errDown
			}
			return nil
		}}
		start := time.Now()
		r := keep(t, p)
		if d := time.Since(start); d <= 0 || d > 700*time.Millisecond {
			t.Errorf("three failures took %v; want at most 100+200+400 ms", d)
		}
		if puts, removes := p.log(); len(puts) != 4 || removes != 0 {
			t.Errorf("%d puts and %d removes; want 4 and 0", len(puts), removes)
		}
		if state := r.State(); !state.Registered || state.Err != nil || !state.Since.Equal(time.Now()) {
			t.Errorf("the state is %+v", state)
		}
	})
}

func TestKeepReturnsAPermanentErrorAtOnce(t *testing.T) {
	for _, refusal := range []error{sd.Permanent(errRefused), fmt.Errorf("put: %w", sd.Permanent(errRefused))} {
		synctest.Test(t, func(t *testing.T) {
			p := &place{t: t, put: func(context.Context, int, sd.Instance) error { return refusal }}
			start := time.Now()
			r, err := sd.Keep(t.Context(), sd.Instance{Addr: "h:1"}, p)
			if r != nil || !errors.Is(err, errRefused) || time.Since(start) > 0 {
				t.Errorf("Keep returns %v, %v after %v", r, err, time.Since(start))
			}
			// A reply says refused, and yet an earlier try may have passed.
			if puts, removes := p.log(); len(puts) != 1 || removes != 1 {
				t.Errorf("%d puts and %d removes; want 1 and 1", len(puts), removes)
			}
		})
	}
	if sd.Permanent(nil) != nil || sd.Permanent(errRefused).Error() != "refused" {
		t.Error("Permanent changes nil, or the text")
	}
}

// The outcome of a Put that failed is unknown, so what it may have left is removed,
// by a context that is not the dead one.
func TestKeepGivesUpWithItsContextAndRemovesAnOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{t: t,
			put: func(context.Context, int, sd.Instance) error { return errDown },
			remove: func(ctx context.Context, _ int) error {
				if ctx.Err() != nil {
					t.Error("Remove gets a context that is done")
				}
				<-ctx.Done() // and hangs
				return ctx.Err()
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := sd.Keep(ctx, sd.Instance{Addr: "h:1"}, p)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Errorf("Keep returns %v; want the context's error and the registry's", err)
		}
		if d := time.Since(start); d < time.Minute || d > time.Minute+2*time.Second {
			t.Errorf("Keep gives up after %v; want a minute and at most 2 s to clean up", d)
		}
		if _, removes := p.log(); removes != 1 {
			t.Errorf("%d removes; want 1", removes)
		}
	})
}

func TestKeepDoesNothing(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	p := &place{t: t}
	if _, err := sd.Keep(done, sd.Instance{Addr: "h:1"}, p); !errors.Is(err, context.Canceled) {
		t.Errorf("Keep with a context that is done returns %v", err)
	}
	if _, err := sd.Keep(t.Context(), sd.Instance{Addr: "nowhere"}, p); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("Keep of a malformed instance returns %v", err)
	}
	if puts, removes := p.log(); len(puts)+removes != 0 {
		t.Errorf("%d puts and %d removes; want none", len(puts), removes)
	}
}

func TestKeepBoundsEachPut(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, 0: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := &place{put: func(ctx context.Context, n int, _ sd.Instance) error {
				if n == 2 {
					return nil
				}
				<-ctx.Done() // a black hole
				return ctx.Err()
			}}
			start, states := time.Now(), []sd.RegistrationState{}
			keep(t, p, sd.KeepTimeout(set), sd.KeepNotify(func(s sd.RegistrationState) { states = append(states, s) }))
			if d := time.Since(start); d < want || d > want+100*time.Millisecond {
				t.Errorf("KeepTimeout(%v): a Put that hangs costs %v; want %v and a delay", set, d, want)
			}
			if len(states) == 0 || !errors.Is(states[0].Err, sd.ErrTimeout) {
				t.Errorf("the states are %+v; want sd.ErrTimeout first", states)
			}
		})
	}
}

func TestKeepCopiesMeta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{t: t, put: func(_ context.Context, _ int, in sd.Instance) error {
			in.Meta["k"] = "the entry's"
			return nil
		}}
		meta := map[string]string{"k": "v"}
		r, err := sd.Keep(t.Context(), sd.Instance{Addr: "h:1", Meta: meta}, p)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Deregister(t.Context())
		if meta["k"] != "v" {
			t.Error("the entry wrote to the caller's map")
		}
		meta["k"] = "the caller's"
		if in := r.Instance(); in.Meta["k"] != "v" || in.ID != "h:1" {
			t.Errorf("the instance is %+v", in)
		}
	})
}

type keyOfTest struct{}

// Values such as a trace reach the entry also when ctx is done: it bounds the
// first registration only.
func TestKeepOutlivesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), keyOfTest{}, "v"))
		p := &place{t: t, hold: func(ctx context.Context, _ int) error {
			if ctx.Value(keyOfTest{}) != "v" {
				t.Error("Hold does not get the values of ctx")
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		r, err := sd.Keep(ctx, sd.Instance{Addr: "h:1"}, p)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Hour)
		if err := r.Update(t.Context(), sd.Instance{Addr: "h:1", Weight: 2}); err != nil {
			t.Errorf("Update returns %v", err)
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestKeepMisuse(t *testing.T) {
	defer func() {
		text, _ := recover().(string)
		for _, want := range []string{"entry is nil", "option 2 is nil", "timeout -1ns", "backoff {Base:-1ns"} {
			if !strings.Contains(text, want) {
				t.Errorf("the panic %q does not name %q", text, want)
			}
		}
	}()
	_, _ = sd.Keep(t.Context(), sd.Instance{}, nil, sd.KeepTimeout(-1), nil, sd.KeepBackoff(sd.Backoff{Base: -1}))
}

// A panic in an adapter neither ends the process nor the registration.
func TestKeepSurvivesItsEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			switch n {
			case 2:
				panic("a broken adapter")
			case 3:
				runtime.Goexit()
			}
			return nil
		}}
		r := keep(t, p)
		if err := r.Update(t.Context(), weighing(7)); err != nil {
			t.Error(err)
		}
		if state := r.State(); !state.Registered {
			t.Errorf("the state is %+v", state)
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Error(err)
		}

		_, err := sd.Keep(t.Context(), sd.Instance{Addr: "h:1"}, &place{put: func(context.Context, int, sd.Instance) error {
			panic("a broken adapter")
		}})
		if _, ok := errors.AsType[*sd.PanicError](err); !ok {
			t.Errorf("Keep returns %v", err)
		}
	})
}

func TestKeepNotifiesOfEveryState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{put: func(_ context.Context, n int, _ sd.Instance) error {
			if n == 1 {
				return errDown
			}
			return nil
		}}
		var got []string
		r, err := sd.Keep(t.Context(), sd.Instance{Addr: "h:1"}, p, sd.KeepNotify(func(s sd.RegistrationState) {
			got = append(got, fmt.Sprint(s.Registered, errors.Is(s.Err, errDown)))
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"false true", "true false", "false false"}; !slices.Equal(got, want) {
			t.Errorf("notified of %q, want %q", got, want)
		}
	})
}
