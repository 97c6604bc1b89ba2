package lbsim

import (
	"math"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// never is later than any event.
const never = time.Duration(math.MaxInt64)

// station is a server at work. Since calls are served in order of arrival, and all
// troubles are known beforehand, it is known when a call arrives when it will end:
// the simulation needs one event per call.
type station struct {
	*Server
	sizes  *sizes
	free   []time.Duration // when each worker has done all that it has
	starts []time.Duration // of those that waited, ascending
	head   int             // of starts: those before have begun
	paused bool            // has troubles that pause it
	calls  uint64
	limit  Limiter // or nil
}

func newStation(s *Server, sizes *sizes) *station {
	st := &station{Server: s, sizes: sizes, free: make([]time.Duration, s.Concurrency)}
	for i := range s.Troubles {
		st.paused = st.paused || s.Troubles[i].Kind == Pause
	}
	if s.Limit != nil {
		st.limit = s.Limit()
	}
	return st
}

// plan is what will become of a call.
type plan struct {
	start, end time.Duration
	result     lb.Result
	worker     int // whose time it takes, or less than zero
	waits      bool
}

// plan says what will become of a call of size u that arrives now. It changes
// nothing but what is past.
func (s *station) plan(now time.Duration, u float64, deadline time.Duration) plan {
	p := plan{start: now, end: now, worker: -1}
	for i := range s.Troubles {
		switch r := &s.Troubles[i]; {
		case !r.active(now):
		case r.Kind == Refuse:
			p.result = lb.Faulted
			return p
		case r.Kind == Hang:
			p.end = never
			return p
		case r.Kind == Fail && r.Service != nil:
			p.result, p.end = lb.Faulted, s.pass(now, r.Service.Quantile(u))
			return p
		}
	}
	if w, at := s.worker(); w >= 0 {
		p.worker = w
		if at > now {
			if p.start, p.waits = at, true; s.full(now) {
				return rejected(now)
			}
		}
	}
	if s.Heeds && p.start >= deadline {
		p.end, p.worker = never, -1
		return p
	}
	work, result := s.work(p.start, u)
	p.end, p.result = s.pass(p.start, work), result
	return p
}

// rejected is what becomes of a call that is refused for the load.
func rejected(now time.Duration) plan {
	return plan{start: now, end: now, result: lb.Rejected, worker: -1}
}

// accept makes the plan true.
func (s *station) accept(p plan) {
	s.calls++
	if p.worker >= 0 {
		s.free[p.worker] = p.end
	}
	if p.waits {
		s.starts = append(s.starts, p.start)
	}
}

// worker returns who is free first, and when, or -1 if there are any number.
func (s *station) worker() (first int, at time.Duration) {
	first, at = -1, never
	for i, t := range s.free {
		if t < at {
			first, at = i, t
		}
	}
	return first, at
}

// full reports whether a call that cannot start now is one too many.
func (s *station) full(now time.Duration) bool {
	for s.head < len(s.starts) && s.starts[s.head] <= now {
		s.head++
	}
	if s.head > 1024 && s.head*2 > len(s.starts) {
		s.starts = s.starts[:copy(s.starts, s.starts[s.head:])]
		s.head = 0
	}
	return s.Queue < 0 || s.Queue > 0 && len(s.starts)-s.head >= s.Queue
}

// work returns how long a call that starts at t is worked on, and what comes of it.
func (s *station) work(t time.Duration, u float64) (time.Duration, lb.Result) {
	d := float64(s.sizes.of(u))
	if s.Speed > 0 {
		d /= s.Speed
	}
	result := lb.Served
	for i := range s.Troubles {
		r := &s.Troubles[i]
		if !r.active(t) {
			continue
		}
		switch r.Kind {
		case Slow:
			if r.Service != nil {
				d = float64(r.Service.Quantile(u))
			} else {
				d *= r.Factor
			}
		case Warmup:
			age := max(float64(t-r.From), 1)
			d *= min(float64(r.For)/age, r.Factor)
		case Fail:
			result = lb.Faulted
		}
	}
	return time.Duration(d), result
}

// pass returns when work that starts at t is done, the pauses between counted.
func (s *station) pass(t, work time.Duration) time.Duration {
	for s.paused {
		from, to := never, never
		for i := range s.Troubles {
			if r := &s.Troubles[i]; r.Kind == Pause {
				if a, b := r.next(t); a < from {
					from, to = a, b
				}
			}
		}
		if from >= t+work {
			break
		}
		work -= max(from-t, 0)
		t = to
	}
	return t + work
}
