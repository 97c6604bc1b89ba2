package lbsim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Server is a simulated instance: a queue in order of arrival before a number of
// equal workers.
type Server struct {
	// ID must be unique within the scenario.
	ID string
	// Weight is what the registry says of its capacity.
	Weight int
	// Zone is what the registry says of where it is.
	Zone string
	// Service is how long a call takes once it is started, at speed 1.
	Service Dist
	// Speed divides the service times. Zero means 1.
	Speed float64
	// Concurrency is how many calls it works on at once. Zero means any number.
	Concurrency int
	// Queue is how many calls may wait for a worker; a further one is rejected.
	// Zero means any number, less than zero means none.
	Queue int
	// Limit makes what decides, before the queue, which calls are admitted, one
	// for each run and server. Nil admits all. Omniscient does not foresee it.
	Limit func() Limiter
	// Heeds says that it drops a waiting call whose caller has given up. Others
	// work on it, in vain.
	Heeds bool
	// Joins and Leaves are when it enters and leaves the set of instances. It
	// finishes what it has. A Leaves of zero means never.
	Joins, Leaves time.Duration
	// Troubles are what befalls it.
	Troubles []Trouble
}

// Limiter decides what a server admits, in virtual time, as an adaptive limit of
// concurrency does.
type Limiter interface {
	// Admit reports whether a call that arrives now is admitted.
	Admit(now time.Duration) bool
	// Done is called once for each admitted call when the server is done with it,
	// whether the caller still waits or not. What hangs is never done.
	Done(start, now time.Duration, served bool)
}

// Trouble is something that befalls a server, from From on for the duration For,
// where zero means for ever. If Every is not zero it comes again with that period.
type Trouble struct {
	Kind             Kind
	From, For, Every time.Duration
	// Factor is how many times slower a Slow server is, and a Warmup at most.
	Factor float64
	// Service is the service time of a Slow server instead of its own times
	// Factor, and after which a Fail fails, past any queue. Nil means its own.
	Service Dist
}

// Kind is a kind of trouble.
type Kind uint8

const (
	// Slow: calls that start take longer.
	Slow Kind = iota + 1
	// Warmup: calls that start at t take For/t times longer, but at most Factor
	// times, after the warm-up of Finagle's balancer simulation.
	Warmup
	// Pause: nothing moves, as when garbage is collected.
	Pause
	// Fail: calls fail instead of succeeding.
	Fail
	// Hang: calls are accepted and never answered.
	Hang
	// Refuse: calls fail at once, as when nobody listens.
	Refuse
)

// active reports whether the trouble is there at t.
func (r *Trouble) active(t time.Duration) bool {
	t -= r.From
	if t < 0 {
		return false
	}
	if r.Every > 0 {
		t %= r.Every
	}
	return r.For == 0 || t < r.For
}

// next returns the first spell of the trouble that ends after t.
func (r *Trouble) next(t time.Duration) (from, to time.Duration) {
	from = r.From
	if r.Every > 0 && t >= r.From {
		from += (t - r.From) / r.Every * r.Every
		if t >= from+r.For {
			from += r.Every
		}
	}
	if to = from + r.For; to <= t || r.For == 0 {
		return never, never
	}
	return from, to
}

func (s *Server) validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("server %q: "+format, append([]any{s.ID}, args...)...))
	}
	if s.ID == "" {
		fault("it has no ID")
	}
	if e, ok := s.Service.(Empirical); s.Service == nil || ok && !e.valid() {
		fault("the service times must be a distribution")
	}
	if s.Speed < 0 || s.Concurrency < 0 || s.Weight < 0 {
		fault("speed, concurrency and weight must not be negative")
	}
	if s.Joins < 0 || s.Leaves != 0 && s.Leaves <= s.Joins {
		fault("it must join before it leaves, not at %v and %v", s.Joins, s.Leaves)
	}
	for i := range s.Troubles {
		if err := s.Troubles[i].validate(); err != nil {
			fault("trouble %d: %w", i, err)
		}
	}
	return errors.Join(faults...)
}

func (e Empirical) valid() bool { return len(e) > 0 && slices.IsSorted(e) }

func (r *Trouble) validate() error {
	e, ok := r.Service.(Empirical)
	switch {
	case r.Kind < Slow || r.Kind > Refuse:
		return fmt.Errorf("there is no kind %d", r.Kind)
	case r.From < 0 || r.For < 0 || r.Every < 0 || r.Every > 0 && (r.For == 0 || r.For >= r.Every):
		return fmt.Errorf("from %v for %v every %v is no time", r.From, r.For, r.Every)
	case r.Kind == Slow && r.Service == nil && !(r.Factor > 0), r.Kind == Warmup && !(r.Factor >= 1):
		return fmt.Errorf("the factor must be positive, not %v", r.Factor)
	case ok && !e.valid():
		return errors.New("the quantiles must ascend")
	case r.Kind == Pause && r.For == 0, r.Kind == Warmup && r.For == 0:
		return errors.New("it must end")
	}
	return nil
}
