package sd_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Combinators yield the last known set and at once the error that stands: the
// status must not lose it, however fast the two come.
func TestEndpointerNotesAnErrorRightAfterASet(t *testing.T) {
	outage := errors.New("the registry is down")
	source := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			if yield(at(nil, "a"), nil) && yield(nil, outage) {
				<-ctx.Done()
			}
		}
	})
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			e := sd.NewEndpointer(source, (&dialer{}).dial)
			defer e.Close()
			synctest.Wait()
			if s := e.Status(); !errors.Is(s.WatchErr, outage) || s.Live != 1 {
				t.Fatalf("status is %+v", s)
			}
		})
	}
}

// A watch that brings a set and ends at once must not hammer the registry.
func TestEndpointerPacesAWatchThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var watches, reported atomic.Int32
		source := sd.InstancerFunc(func(context.Context) iter.Seq2[[]*sd.Instance, error] {
			watches.Add(1)
			return func(yield func([]*sd.Instance, error) bool) { yield(at(nil, "a"), nil) }
		})
		e := sd.NewEndpointer(source, (&dialer{}).dial, sd.OnError(func(err error) {
			if errors.Is(err, sd.ErrWatchEnded) {
				reported.Add(1)
			}
		}))
		defer e.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		// The delays are 5 s in the mean.
		if n := watches.Load(); n < 300 || n > 1500 || reported.Load() != n {
			t.Errorf("%d watches in an hour, %d of their ends reported", n, reported.Load())
		}
	})
}

// closer is a client whose Close does what the test says.
type closer struct{ close func() }

func (c closer) Close() { c.close() }

func TestEndpointerSlowCloseHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, hold := make(script), make(chan struct{})
		e := sd.NewEndpointer(src, func(ctx context.Context, in *sd.Instance) (closer, error) {
			if in.ID == "slow" {
				<-ctx.Done() // and yet there is a client, which has to be closed
				return closer{func() { <-hold }}, nil
			}
			return closer{func() {}}, nil
		})
		for _, set := range [][]*sd.Instance{at(nil, "slow"), at(nil, "a"), at(nil, "a", "b")} {
			src <- event{set: set}
			synctest.Wait()
		}
		if n := e.Set().Len(); n != 2 {
			t.Errorf("%d of 2 instances are live while another's client is closed", n)
		}
		close(hold)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEndpointerSurvivesACloseThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(script)
		e := sd.NewEndpointer(src, func(context.Context, *sd.Instance) (closer, error) {
			return closer{func() { panic("a client that is nil inside") }}, nil
		})
		src <- event{set: at(nil, "a")}
		synctest.Wait()
		if err := e.Close(); err == nil || !strings.Contains(err.Error(), "nil inside") {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestEndpointerDialsAgainAfterADialThatExits(t *testing.T) {
	var dials atomic.Int32
	hook := func(context.Context, *sd.Instance) error {
		if dials.Add(1) == 1 {
			runtime.Goexit()
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		synctest.Wait()
		if s := e.Status(); s.DialErr == nil || s.DialFailures != 1 {
			t.Errorf("status is %+v", s)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if ids(e.Set()) != "a" {
			t.Error("there is no client")
		}
	})
}
