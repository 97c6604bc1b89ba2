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

func TestEndpointerReady(t *testing.T) {
	refuse := atomic.Bool{}
	refuse.Store(true)
	refused := errors.New("connection refused")
	hook := func(context.Context, *sd.Instance) error {
		if refuse.Load() {
			return refused
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := e.Ready(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, refused) {
			t.Errorf("Ready: %v", err)
		}
		refuse.Store(false)
		if err := e.Ready(context.Background()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		go e.Close()
		synctest.Wait()
		if err := e.Ready(context.Background()); !errors.Is(err, sd.ErrClosed) {
			t.Errorf("Ready after Close: %v", err)
		}
	})
}

func TestEndpointerReadyGivesTheOthersALittleTime(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		switch in.ID {
		case "b":
			time.Sleep(50 * time.Millisecond)
		case "slow":
			time.Sleep(5 * time.Second)
		}
		return nil
	}
	for _, tt := range []struct {
		set  []*sd.Instance
		want string
		took time.Duration
	}{
		{at(nil, "a", "b"), "a b", 50 * time.Millisecond},
		{at(nil, "a", "b", "slow"), "a b", 100 * time.Millisecond},
		{at(nil, "slow"), "slow", 5 * time.Second},
	} {
		bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
			src <- event{set: tt.set}
			start := time.Now()
			if err := e.Ready(context.Background()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start).Round(10 * time.Millisecond); ids(e.Set()) != tt.want || took != tt.took {
				t.Errorf("ready with %q after %v, want %q after %v", ids(e.Set()), took, tt.want, tt.took)
			}
		})
	}
}

// FirstSet ends with what there is to know, and does not wait for it to be good.
func TestEndpointerFirstSet(t *testing.T) {
	refused, outage := errors.New("connection refused"), errors.New("outage")
	hook := func(_ context.Context, in *sd.Instance) error {
		time.Sleep(2 * time.Second)
		switch in.ID {
		case "bad":
			return refused
		case "slow":
			time.Sleep(3 * time.Second)
		}
		return nil
	}
	for name, tt := range map[string]struct {
		event event
		live  string
		took  time.Duration
	}{
		"an instance is live":   {event{set: at(nil, "a", "slow")}, "a", 3 * time.Second},
		"all dials have failed": {event{set: at(nil, "bad")}, "", 3 * time.Second},
		"the set is empty":      {event{set: at(nil)}, "", time.Second},
		"the watch fails":       {event{err: outage}, "", 4 * time.Second},
	} {
		bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
			defer cancel()
			if err := e.FirstSet(ctx); err != context.DeadlineExceeded {
				t.Errorf("%s: before anything is known: %v", name, err)
			}
			time.AfterFunc(time.Second/2, func() { src <- tt.event })
			if tt.event.err != nil { // and fails again
				time.AfterFunc(2*time.Second, func() { src <- tt.event })
			}
			for range 2 { // it stays so
				if err := e.FirstSet(context.Background()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if took := time.Since(start).Round(10 * time.Millisecond); ids(e.Set()) != tt.live || took != tt.took {
					t.Errorf("%s: %q is live after %v, want %q after %v", name, ids(e.Set()), took, tt.live, tt.took)
				}
			}
			go e.Close()
			synctest.Wait()
			if err := e.FirstSet(context.Background()); err != sd.ErrClosed {
				t.Errorf("%s: after Close: %v", name, err)
			}
		})
	}
}

// An error may be about one entry of the set that follows. Once that is known its dials
// are what counts, whatever the watch said and says.
func TestEndpointerFirstSetAmidErrors(t *testing.T) {
	hook := func(context.Context, *sd.Instance) error { time.Sleep(2 * time.Second); return nil }
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		time.AfterFunc(time.Second, func() { src <- event{err: errors.New("malformed")} })
		time.AfterFunc(3*time.Second, func() { src <- event{set: at(nil, "a")} })
		time.AfterFunc(7*time.Second/2, func() { src <- event{err: errors.New("outage")} })
		start := time.Now()
		if err := e.FirstSet(context.Background()); err != nil || e.Set().Len() != 1 || time.Since(start) != 5*time.Second {
			t.Errorf("%d live after %v, %v", e.Set().Len(), time.Since(start), err)
		}
	})
}

// An instance that goes again while the others are waited for leaves nobody ready.
func TestEndpointerReadyWantsSomebodyStillThere(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		if in.ID == "slow" {
			time.Sleep(5 * time.Second)
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "slow")}
		time.AfterFunc(50*time.Millisecond, func() { src <- event{set: at(nil)} })
		time.AfterFunc(time.Second, func() { src <- event{set: at(nil, "b")} })
		start := time.Now()
		err := e.Ready(context.Background())
		if took := time.Since(start); err != nil || ids(e.Set()) != "b" || took != time.Second {
			t.Errorf("Ready returns %v after %v with %q, want nil after 1 s with b", err, took, ids(e.Set()))
		}
	})
}
