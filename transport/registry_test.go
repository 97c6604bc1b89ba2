package transport_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// registry is a registry that can be out of order, refuse and hang.
type registry struct {
	mu      sync.Mutex
	there   []sd.Instance
	out     error // what every Put returns
	stuck   bool  // Remove never returns while its context runs
	onEvent func(string)
	chosen  sync.RWMutex // read-locked by who must not lose an instance
}

func (r *registry) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &entry{registry: r})
}

func (r *registry) set(out error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out = out
}

func (r *registry) instances() []sd.Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.there)
}

type entry struct {
	*registry
	in sd.Instance
}

func (e *entry) Put(_ context.Context, in sd.Instance) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.out != nil {
		return e.out
	}
	e.in = in
	e.there = append(e.there, in)
	if e.onEvent != nil {
		e.onEvent("registered")
	}
	return nil
}

func (e *entry) Hold(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (e *entry) Remove(ctx context.Context) error {
	if e.stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	e.chosen.Lock()
	defer e.chosen.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.there = slices.DeleteFunc(e.there, func(in sd.Instance) bool { return in.Addr == e.in.Addr })
	if e.onEvent != nil {
		e.onEvent("deregistered")
	}
	return nil
}

var errOutage = errors.New("connection refused")

// diary notes what happened and when, counted from when it was made.
type diary struct {
	mu     sync.Mutex
	start  time.Time
	events []string
}

func newDiary() *diary { return &diary{start: time.Now()} }

func (d *diary) note(event string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, event+" "+time.Since(d.start).String())
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.events)
}
