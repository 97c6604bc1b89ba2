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
