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

func TestEndpointerDialsAgain(t *testing.T) {
	var tries atomic.Int32
	hook := func(_ context.Context, in *sd.Instance) error {
		if in.ID == "bad" && tries.Add(1) <= 3 {
			if tries.Load() == 2 {
				panic("a dial that panics")
			}
			return errors.New("connection refused")
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "bad", "good")}
		synctest.Wait()
		if got := ids(e.Set()); got != "good" {
			t.Errorf("set is %q", got)
		}
		if s := e.Status(); s.Instances != 2 || s.Live != 1 || s.DialErr == nil || s.DialFailures != 1 {
			t.Errorf("status is %+v", s)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := ids(e.Set()); got != "bad good" {
			t.Errorf("set is %q", got)
		}
		if s := e.Status(); s.Live != 2 || s.DialErr != nil || s.DialFailures != 3 || s.WatchFailures != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestEndpointerSlowDialsHoldNobodyUp(t *testing.T) {
	hook := func(ctx context.Context, in *sd.Instance) error {
		if strings.HasPrefix(in.ID, "slow") {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "slow1", "slow2")}
		synctest.Wait()
		if got := ids(e.Set()); got != "a" {
			t.Errorf("set is %q", got)
		}
		src <- event{set: at(nil, "a", "b", "slow2")} // the dial of slow1 ends at once
		synctest.Wait()
		if got := ids(e.Set()); got != "a b" {
			t.Errorf("set is %q", got)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.DialFailures == 0 || s.Live != 2 {
			t.Errorf("the dial timeout did not fire: %+v", s)
		}
	}, sd.DialTimeout(5*time.Second), sd.DialParallel(3))
}

// The dial sees its context cancelled, and says so; whoever reads the log must learn
// that it was the time that was up.
func TestEndpointerSaysThatADialTimedOut(t *testing.T) {
	hook := func(ctx context.Context, _ *sd.Instance) error {
		<-ctx.Done()
		return ctx.Err()
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		err := e.Status().DialErr
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "5s") {
			t.Errorf("the dial timeout is the error %v", err)
		}
	}, sd.DialTimeout(5*time.Second))
}
