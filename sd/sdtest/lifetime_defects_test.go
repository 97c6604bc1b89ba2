package sdtest_test

import (
	"context"
	"sync"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

type pair struct {
	set set
	err error
}

// pump copies a watch into a channel, as an adapter does that wraps a client with
// callbacks.
func pump(ctx context.Context, sound pairs, size int) <-chan pair {
	c := make(chan pair, size)
	go func() {
		defer close(c)
		for s, err := range sound {
			select {
			case c <- pair{s, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

var lifetimeDefects = []defect{
	{"starts when Watch is called", "LazyWatch", "goroutine", watching(func(ctx context.Context, sound pairs) pairs {
		c := pump(ctx, sound, 1)
		return func(yield func(set, error) bool) {
			for p := range c {
				if !yield(p.set, p.err) {
					return
				}
			}
		}
	})},
	{"leaks a goroutine on break", "BreakEnds", "after break", watching(func(ctx context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for p := range pump(ctx, sound, 1) {
				if !yield(p.set, p.err) {
					return
				}
			}
		}
	})},
	{"leaks a goroutine at the end of ctx", "ContextEnds", "after the end of ctx", watching(func(ctx context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			go func() { select {} }()
			sound(yield)
		}
	})},
	{"ignores ctx", "ContextEnds", "does not end|does not return", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Instancer
		s.Instancer = sd.InstancerFunc(func(context.Context) pairs { return inner.Watch(context.Background()) })
	}},
	{"goes on after break", "BreakEnds", "does not return|continued iteration", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				yield(s, err)
			}
		}
	})},
	{"ends early", "RangesAreIndependent", "ended though its context is not done|is not so", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				yield(s, err)
				return
			}
		}
	})},
	{"shares one cursor between ranges", "RangesAreIndependent", "does not return|is not so", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Instancer
		var mu sync.Mutex
		var c <-chan pair
		s.Instancer = sd.InstancerFunc(func(ctx context.Context) pairs {
			return func(yield func(set, error) bool) {
				mu.Lock()
				if c == nil {
					c = pump(context.Background(), inner.Watch(context.Background()), 1)
				}
				mu.Unlock()
				for {
					select {
					case p := <-c:
						if !yield(p.set, p.err) {
							return
						}
					case <-ctx.Done():
						return
					}
				}
			}
		})
	}},
	{"yields on another goroutine", "SameGoroutine", "yields on goroutine", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			done := make(chan struct{})
			go func() { defer close(done); sound(yield) }()
			<-done
		}
	})},
	{"keeps a backlog", "SlowConsumer", "a backlog", watching(func(ctx context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			for p := range pump(ctx, sound, 1000) {
				if !yield(p.set, p.err) {
					return
				}
			}
		}
	})},
	{"blocks the registry while a consumer sleeps", "SlowConsumer", "Register of|is not so|deadlock", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		lock := make(chan struct{}, 1)
		inner, registrar := s.Instancer, s.Registrar
		s.Instancer = sd.InstancerFunc(func(ctx context.Context) pairs {
			return func(yield func(set, error) bool) {
				for st, err := range inner.Watch(ctx) {
					lock <- struct{}{}
					more := yield(st, err)
					<-lock
					if !more {
						return
					}
				}
			}
		})
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			select {
			case lock <- struct{}{}:
				defer func() { <-lock }()
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return registrar.Register(ctx, in)
		})
	}},
}

type registrarFunc func(context.Context, sd.Instance) (*sd.Registration, error)

// Register calls f.
func (f registrarFunc) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return f(ctx, in)
}
