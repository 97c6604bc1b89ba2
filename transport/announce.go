package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// announcement is the presence of the service in its registries. Each place has a
// goroutine of its own, so that an outage of one registry delays nothing.
type announcement struct {
	*service
	trying  context.Context // ends when withdraw begins
	end     context.CancelFunc
	pending atomic.Int64
	settled chan struct{} // closed once every place is registered
	refused chan error    // why a place will never be registered
	leaving context.Context
	gone    sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

func (s *service) announce(ctx context.Context) *announcement {
	a := &announcement{
		service: s,
		settled: make(chan struct{}),
		refused: make(chan error, len(s.places)),
	}
	// The end of ctx begins the stop, and that decides when to deregister.
	a.trying, a.end = context.WithCancel(context.WithoutCancel(ctx))
	a.pending.Store(int64(len(s.places)))
	if len(s.places) == 0 {
		close(a.settled)
	}
	for _, p := range s.places {
		a.gone.Go(func() { a.keep(p) })
	}
	return a
}

// keep registers one place, and deregisters it when withdraw begins.
func (a *announcement) keep(p place) {
	reg, err := p.registrar.Register(a.trying, p.in)
	if err != nil {
		if a.trying.Err() == nil || !errors.Is(err, context.Canceled) {
			a.refused <- fmt.Errorf("register %s: %w", p.in.Addr, err)
			return
		}
		// No error of the service, but the only place that tells what was wrong.
		a.logger.WarnContext(a.trying, "the service stops and was never registered", "error", err)
		return
	}
	if a.pending.Add(-1) == 0 {
		close(a.settled)
	}
	if a.onRegister != nil {
		a.onRegister(reg)
	}
	<-a.trying.Done()
	if err := reg.Deregister(a.leaving); err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.errs = append(a.errs, fmt.Errorf("transport: %w", err))
	}
}

// withdraw deregisters every place and gives up those that are not registered yet.
func (a *announcement) withdraw(ctx context.Context) []error {
	leaving, cancel := context.WithTimeout(ctx, a.deregisterWithin)
	defer cancel()
	a.leaving = leaving
	a.end()
	stuck := within(a.deregisterWithin+overrun, func() error { a.gone.Wait(); return nil })
	a.mu.Lock()
	defer a.mu.Unlock()
	if stuck != nil {
		a.errs = append(a.errs, fmt.Errorf("transport: deregister: %w", stuck))
	}
	for len(a.refused) > 0 { // beside the one that ended the service
		a.errs = append(a.errs, fmt.Errorf("transport: %w", <-a.refused))
	}
	return slices.Clone(a.errs)
}
