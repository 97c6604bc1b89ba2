package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is what [Serve] runs. *http.Server satisfies it as it is.
type Server interface {
	// Serve accepts connections from l until Shutdown or Close is called.
	Serve(l net.Listener) error
	// Shutdown closes the listener and returns once no call is in flight, or
	// with the context's error.
	Shutdown(ctx context.Context) error
	// Close ends what Shutdown left.
	Close() error
}

// overrun is how long a step may take beyond its bound before it is given up as
// stuck. A step that heeds its context never needs it.
const overrun = time.Second

// Serve listens at addr, registers the address it got, marks the service ready
// and runs the server until ctx ends, the server fails or a registry refuses the
// instance for good. Then it stops: it marks the service not ready, deregisters,
// waits for clients to notice while it still serves, closes the listener, and
// waits for the calls in flight. Calls in flight keep their contexts meanwhile:
// what ctx ends is the service, not a call.
//
// It returns nil after a clean stop that ctx asked for, and otherwise the errors
// of all steps, joined. With the default bounds a stop takes 25.5 s at most, and
// 29.5 s with a server and a registry that ignore their contexts: less than the
// 30 s after which Kubernetes kills.
//
// The outage of a registry is not one of the service: the server serves from the
// beginning, and after the time of [RegisterWithin] the service is ready,
// registered or not. Registration goes on in the background. An error that
// Register returns while it may still try is a refusal, such as bad credentials.
// It would never mend itself, so it ends Serve.
//
// An addr with port 0 takes a free port; [OnListen] tells which. Serve panics if
// server is nil or an option is out of range.
func Serve(ctx context.Context, addr string, server Server, opts ...Option) error {
	s := newService(server, opts)
	l, err := s.listen(ctx, addr)
	if err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	defer l.Close()
	if err := s.fill(l.Addr()); err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	if s.onListen != nil {
		s.onListen(l.Addr())
	}
	r := &running{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = server.Serve(l)
	}()
	a := s.announce(ctx)
	err = s.run(ctx, a, r)
	return errors.Join(err, s.stop(context.WithoutCancel(ctx), a, r, err))
}

// running is the server's Serve, in a goroutine of its own.
type running struct {
	done chan struct{}
	err  error // once done
}

func (s *service) listen(ctx context.Context, addr string) (net.Listener, error) {
	if s.listener != nil {
		return s.listener, nil
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", addr)
}

// run returns nil when ctx ends, and otherwise why the service cannot go on.
func (s *service) run(ctx context.Context, a *announcement, r *running) error {
	patience := time.NewTimer(s.registerWithin)
	defer patience.Stop()
	settled, late := a.settled, patience.C
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-a.refused:
			return fmt.Errorf("transport: %w", err)
		case <-r.done:
			if ctx.Err() != nil { // it was told so, too; stop reports what else was wrong
				return nil
			}
			if r.err == nil {
				return errStopped
			}
			return fmt.Errorf("%w: %w", errStopped, r.err)
		case <-settled:
			if late == nil {
				s.logger.InfoContext(ctx, "registered at last")
			} else {
				s.readiness.Set(true)
			}
			settled, late = nil, nil
		case <-late:
			select {
			case <-settled: // at the same time
				settled = nil
			default:
				s.logger.WarnContext(ctx, "not registered yet, serving nevertheless", "waited", s.registerWithin)
			}
			s.readiness.Set(true)
			late = nil
		}
	}
}

// stop takes the service down in the order that loses no call. why is what run
// returned.
func (s *service) stop(ctx context.Context, a *announcement, r *running, why error) error {
	s.readiness.Set(false)
	errs := a.withdraw(ctx)
	if s.noticeDelay > 0 && s.known() {
		notice := time.NewTimer(s.noticeDelay)
		defer notice.Stop()
		select {
		case <-notice.C:
		case <-r.done: // the door is shut already
		}
	}
	errs = append(errs, s.drain(ctx)...)
	err := within(overrun, func() error { <-r.done; return r.err })
	clean := err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed)
	if !clean && !errors.Is(why, err) {
		errs = append(errs, fmt.Errorf("transport: serve: %w", err))
	}
	return errors.Join(errs...)
}

// drain shuts the server down, and cuts off what is in flight when that takes too
// long. A server that failed is drained too: a listener that is gone says nothing
// about the connections that it accepted.
func (s *service) drain(ctx context.Context) (errs []error) {
	ctx, cancel := context.WithTimeout(ctx, s.drainWithin)
	defer cancel()
	err := within(s.drainWithin+overrun, func() error { return s.server.Shutdown(ctx) })
	if err == nil {
		return nil
	}
	errs = append(errs, fmt.Errorf("transport: drain: %w", err))
	if err := within(overrun, s.server.Close); err != nil && !errors.Is(err, net.ErrClosed) {
		errs = append(errs, fmt.Errorf("transport: close: %w", err))
	}
	return errs
}

var (
	errStopped = errors.New("transport: the server stopped by itself")
	errStuck   = errors.New("it did not return in time")
)

// within bounds a step that may not heed a context. What does not return keeps
// its goroutine: there is no other way to leave it.
func within(d time.Duration, step func() error) error {
	done := make(chan error, 1)
	go func() { done <- step() }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errStuck
	}
}
