package sd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A ward is what a probe finds: which instances are ill, and how long it takes.
type ward struct {
	mu      sync.Mutex
	ill     map[string]bool
	slow    time.Duration
	probes  []time.Duration // when each began, since the ward was made
	begin   time.Time
	running int
	most    int
	reports []string
	act     func()
}

func newWard(ill ...string) *ward {
	w := &ward{begin: time.Now()}
	w.set(ill...)
	return w
}

func (w *ward) set(ill ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ill = map[string]bool{}
	for _, id := range ill {
		w.ill[id] = true
	}
}

func (w *ward) probe(ctx context.Context, in *sd.Instance) error {
	w.mu.Lock()
	w.probes = append(w.probes, time.Since(w.begin))
	w.running++
	w.most = max(w.most, w.running)
	ill, slow, act := w.ill[strings.TrimSuffix(in.Addr, ":80")], w.slow, w.act
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.running--; w.mu.Unlock() }()
	if act != nil {
		act()
	}
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	if ill {
		return errors.New("ill")
	}
	return nil
}

func (w *ward) report(in *sd.Instance, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, fmt.Sprint(in.ID, ":", err))
}

func (w *ward) begun() int            { defer w.lock()(); return len(w.probes) }
func (w *ward) inside() int           { defer w.lock()(); return w.running }
func (w *ward) told() []string        { defer w.lock()(); return slices.Clone(w.reports) }
func (w *ward) takes(d time.Duration) { defer w.lock()(); w.slow = d }
func (w *ward) does(act func())       { defer w.lock()(); w.act = act }
func (w *ward) lock() (unlock func()) { w.mu.Lock(); return w.mu.Unlock }

// check probes every 10 s, with results a tenth of a second later.
func (w *ward) check(source sd.Instancer, opts ...sd.HealthOption) sd.Instancer {
	w.slow = 100 * time.Millisecond
	steady := []sd.HealthOption{
		sd.HealthInterval(10*time.Second - w.slow), sd.HealthJitter(0), sd.HealthReport(w.report),
	}
	return sd.HealthCheck(source, w.probe, append(steady, opts...)...)
}

// inBubble gives body a feed, a ward and the tape of a check of it.
func inBubble(t *testing.T, opts []sd.HealthOption, body func(t *testing.T, f *feed, w *ward, tp *tape)) {
	synctest.Test(t, func(t *testing.T) {
		f, w := newFeed(), newWard()
		tp := record(t, w.check(f, opts...))
		synctest.Wait()
		body(t, f, w, tp)
	})
}

// rounds lets n probes of each instance pass; between the calls no probe runs.
func rounds(n int) { time.Sleep(time.Duration(n) * 10 * time.Second); synctest.Wait() }

// settle lets the first probe of what was just said pass.
func settle() { time.Sleep(time.Second); synctest.Wait() }
