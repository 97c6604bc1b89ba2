package sdtest

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// watcher ranges over a watch on a goroutine of its own and inspects all that it
// yields.
type watcher struct {
	s      *scene
	cancel context.CancelFunc
	done   chan struct{} // closed when the loop has ended

	mu     sync.Mutex
	events []event
	seen   inspector
	asleep chan struct{} // while open, the consumer sleeps
}

// endless is more events than any case makes.
const endless = 10_000

func (s *scene) watch() *watcher { return s.watchOf(s.Instancer) }

// watchOf begins a watch that ends with the case.
func (s *scene) watchOf(instancer sd.Instancer) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{s: s, cancel: cancel, done: make(chan struct{})}
	go w.loop(ctx, instancer)
	s.Cleanup(w.end)
	return w
}

func (w *watcher) loop(ctx context.Context, instancer sd.Instancer) {
	defer close(w.done)
	here := goroutine()
	for set, err := range instancer.Watch(ctx) {
		w.mu.Lock()
		if there := goroutine(); there != here {
			w.seen.fault("the watch of goroutine %s yields on goroutine %s", here, there)
		}
		w.seen.inspect(set, err)
		w.events = append(w.events, event{set, err, time.Now()})
		n, asleep := len(w.events), w.asleep
		if n == endless {
			w.seen.fault("the watch yields without end")
		}
		w.mu.Unlock()
		if n == endless {
			return
		}
		if asleep != nil {
			<-asleep
		}
	}
	if ctx.Err() == nil {
		w.mu.Lock()
		w.seen.fault("the watch ended though its context is not done")
		w.mu.Unlock()
	}
}

// goroutine returns the number of the calling goroutine.
func goroutine() string {
	var buf [64]byte
	fields := bytes.Fields(buf[:runtime.Stack(buf[:], false)])
	return string(fields[1]) // "goroutine 7 [running]:"
}

// end ends the watch, waits for that, and reports what was wrong with it. It may
// be called again.
func (w *watcher) end() {
	w.s.Helper()
	w.wake()
	w.cancel()
	w.ended("when its context is done")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.verify()
	for _, fault := range w.seen.faults {
		w.s.Error(fault)
	}
	w.seen.faults = nil
}

func (w *watcher) ended(when string) {
	w.s.Helper()
	late := time.NewTimer(prompt)
	defer late.Stop()
	select {
	case <-w.done:
	case <-late.C:
		w.s.Errorf("a watch does not end within %v %s", prompt, when)
	}
}

// sleep makes the consumer sleep in its next loop body, wake ends that.
func (w *watcher) sleep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asleep = make(chan struct{})
}

func (w *watcher) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asleep != nil {
		close(w.asleep)
		w.asleep = nil
	}
}

// all returns what was yielded so far.
func (w *watcher) all() []event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[:len(w.events):len(w.events)]
}

// last returns the last event, or an empty one.
func (w *watcher) last() event {
	if events := w.all(); len(events) > 0 {
		return events[len(events)-1]
	}
	return event{}
}

// recovered notes how long after its return the registry was seen as it is now,
// and checks that this was soon enough.
func (w *watcher) recovered(what string, back time.Time) {
	w.s.Helper()
	w.s.recovered(what, w.last().at.Sub(back))
}

// sees waits until the last event is a set of these IDs, and returns it.
func (w *watcher) sees(ids ...string) []*sd.Instance {
	w.s.Helper()
	want := strings.Join(ids, " ")
	var last event
	seen := 0
	w.s.eventually("the watch sees {"+want+"}", func() bool {
		events := w.all()
		if len(events) == seen {
			return false
		}
		seen = len(events)
		last = events[seen-1]
		return last.err == nil && idsOf(last.set) == want
	}, w.story)
	return last.set
}

// seesThat waits until the last set has an instance of that ID that satisfies ok.
func (w *watcher) seesThat(id, what string, ok func(*sd.Instance) bool) []*sd.Instance {
	w.s.Helper()
	var set []*sd.Instance
	w.s.eventually(what+" of "+id+" is seen", func() bool {
		set = w.last().set
		in := lookup(set, id)
		return in != nil && ok(in)
	}, w.story)
	return set
}

// errs waits for an error after the first n events.
func (w *watcher) errs(n int) {
	w.s.Helper()
	w.s.eventually("the watch yields an error", func() bool {
		for _, e := range w.all()[n:] {
			if e.err != nil {
				return true
			}
		}
		return false
	}, w.story)
}

// onlyErrs checks that no set was yielded after the first n events, since there
// was nobody to ask.
func (w *watcher) onlyErrs(n int) {
	w.s.Helper()
	for i, e := range w.all()[n:] {
		if e.err == nil {
			w.s.Errorf("without a registry the watch yields, after %d errors, the set %v", i, e)
		}
	}
}

// changed tells whether a set after the first n events is another than before. An
// error is no change: a busy machine may be late with an answer.
func (w *watcher) changed(n int) bool {
	var last []*sd.Instance
	for i, e := range w.all() {
		switch {
		case e.err != nil:
		case i < n:
			last = e.set
		case !slices.Equal(e.set, last):
			return true
		}
	}
	return false
}

// neverLacks checks that each set after the first n events has these IDs.
func (w *watcher) neverLacks(n int, ids ...string) {
	w.s.Helper()
	for _, e := range w.all()[n:] {
		for _, id := range ids {
			if e.err == nil && lookup(e.set, id) == nil {
				w.s.Errorf("through sd.Stabilize the watch yields %v, and %s lives", e, id)
			}
		}
	}
}

// story tells the last events.
func (w *watcher) story() string {
	events := w.all()
	first := max(0, len(events)-8)
	lines := []string{fmt.Sprintf("it yielded %d times, at last", len(events))}
	for _, e := range events[first:] {
		lines = append(lines, e.String())
	}
	return strings.Join(lines, "\n\t")
}
