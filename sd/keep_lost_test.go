package sd_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestKeepPutsBackWhatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{
			put: func(_ context.Context, n int, _ sd.Instance) error {
				if n == 2 || n == 3 {
					return errDown
				}
				return nil
			},
			hold: func(ctx context.Context, n int) error {
				if n == 1 {
					time.Sleep(time.Minute)
					return errGone
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}
		start := time.Now()
		r := keep(t, p)
		time.Sleep(time.Minute)
		synctest.Wait() // it waits before it puts back
		lost := r.State()
		if lost.Registered || !errors.Is(lost.Err, errGone) || lost.Since.Sub(start) != time.Minute {
			t.Errorf("after the loss the state is %+v", lost)
		}
		time.Sleep(time.Minute)
		back := r.State()
		if puts, _ := p.log(); len(puts) != 4 || !back.Registered || back.Err != nil || !back.Since.Equal(puts[3].at) {
			t.Errorf("after %d puts the state is %+v; want it registered since the fourth", len(puts), back)
		}
	})
}

func TestKeepSaysWhyWhileItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		p := &place{
			put: func(_ context.Context, n int, _ sd.Instance) error {
				if n > 1 && !mended.Load() {
					return sd.Permanent(errRefused) // an operator can mend it
				}
				return nil
			},
			hold: func(ctx context.Context, n int) error {
				if n == 1 {
					return nil // though it should say why
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}
		r := keep(t, p)
		synctest.Wait()
		if err := r.State().Err; err == nil || strings.Contains(err.Error(), "%!") {
			t.Errorf("the loss is told as %v", err)
		}
		time.Sleep(time.Hour)
		if state := r.State(); state.Registered || !errors.Is(state.Err, errRefused) {
			t.Errorf("the state is %+v", state)
		}
		mended.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if state := r.State(); !state.Registered {
			t.Errorf("what was mended is not back: %+v", state)
		}
	})
}

// A registry that comes back meets all its clients at once: they must not be in
// step.
func TestKeepSpreadsTheReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 50
		back := make(map[time.Time]bool)
		restart := make(chan struct{})
		var places []*place
		for range clients {
			p := &place{hold: func(ctx context.Context, n int) error {
				if n > 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				<-restart
				return errGone
			}}
			places = append(places, p)
			keep(t, p)
		}
		close(restart)
		time.Sleep(time.Minute)
		for _, p := range places {
			puts, _ := p.log()
			back[puts[1].at] = true
		}
		if len(back) < clients*9/10 {
			t.Errorf("%d clients come back at %d moments", clients, len(back))
		}
	})
}

func TestKeepCannotSpin(t *testing.T) {
	for name, p := range map[string]*place{
		"an entry that is lost at once": {hold: func(context.Context, int) error { return errGone }},
		"an entry that cannot be put back": {
			hold: func(context.Context, int) error { return errGone },
			put: func(_ context.Context, n int, _ sd.Instance) error {
				if n > 1 {
					return errDown
				}
				return nil
			},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			keep(t, p)
			time.Sleep(time.Hour)
			// The delays are 5 s on average, once they have grown.
			if puts, _ := p.log(); len(puts) < 500 || len(puts) > 1000 {
				t.Errorf("%s is put %d times in an hour; want about 720", name, len(puts))
			}
		})
	}
}

// Losses that are far apart are each the first.
func TestKeepForgetsOldFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{hold: func(ctx context.Context, _ int) error {
			select {
			case <-time.After(time.Minute):
				return errGone
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		keep(t, p, sd.KeepBackoff(sd.Backoff{Base: time.Second, Cap: 30 * time.Second}))
		time.Sleep(time.Hour)
		puts, _ := p.log()
		for i := range puts[1:] {
			if gap := puts[i+1].at.Sub(puts[i].at); gap <= time.Minute || gap > time.Minute+time.Second {
				t.Errorf("put %d comes %v after the one before; want a minute and up to a second", i+1, gap)
			}
		}
	})
}
