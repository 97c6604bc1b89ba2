package sd_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// place is an Entry that does what its test says, and fails the test if two of its
// methods run at the same time.
type place struct {
	t *testing.T

	put    func(ctx context.Context, n int, in sd.Instance) error // n counts from 1
	hold   func(ctx context.Context, n int) error
	remove func(ctx context.Context, n int) error

	busy atomic.Bool
	mu   sync.Mutex
	puts []attempt
	held int
	gone int // how often Remove was called
}

// attempt is one Put.
type attempt struct {
	in sd.Instance
	at time.Time
}

func (p *place) enter() func() {
	if !p.busy.CompareAndSwap(false, true) {
		p.t.Error("two methods of an Entry run at the same time")
	}
	return func() { p.busy.Store(false) }
}

func (p *place) Put(ctx context.Context, in sd.Instance) error {
	defer p.enter()()
	p.mu.Lock()
	p.puts = append(p.puts, attempt{in, time.Now()})
	n := len(p.puts)
	p.mu.Unlock()
	if p.put != nil {
		return p.put(ctx, n, in)
	}
	return nil
}

func (p *place) Hold(ctx context.Context) error {
	defer p.enter()()
	p.mu.Lock()
	p.held++
	n := p.held
	p.mu.Unlock()
	if p.hold != nil {
		return p.hold(ctx, n)
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *place) Remove(ctx context.Context) error {
	defer p.enter()()
	p.mu.Lock()
	p.gone++
	n := p.gone
	p.mu.Unlock()
	if p.remove != nil {
		return p.remove(ctx, n)
	}
	return nil
}

func (p *place) log() (puts []attempt, removes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]attempt(nil), p.puts...), p.gone
}

// keep registers with the entry until the end of the test.
func keep(t *testing.T, p *place, opts ...sd.KeepOption) *sd.Registration {
	t.Helper()
	p.t = t
	r, err := sd.Keep(t.Context(), sd.Instance{ID: "a", Addr: "h:1"}, p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Deregister(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}
