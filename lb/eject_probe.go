package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/sd"
)

// probe returns the node whose probe is due longest and claims it for this call,
// or less than 0. It waits for nobody: then the next call is the probe.
func (w *ward) probe(ctx context.Context, p *ejectPicker, now time.Duration) int {
	if !w.mu.TryLock() {
		return -1
	}
	defer w.unlock()
	if p != w.current {
		return -1
	}
	w.now = max(w.now, now)
	c, first, returned := call.From(ctx), -1, false
	for i, s := range p.states {
		switch {
		case !s.out.Load() || s.until > now || c.Avoids() > 0 && c.Avoided(p.nodes[i].Instance().ID):
		case s.waits(now, w.base, p.nodes[i].InFlight()):
		case s.lasted(now, w.base, p.nodes[i]):
			w.discharge(s)
			returned = true
		case first < 0 || s.until < p.states[first].until:
			first = i
		}
	}
	if first >= 0 {
		s := p.states[first]
		s.probing.Store(int64(now))
		if s.since.Load() == never {
			s.since.Store(int64(now))
			s.entered = p.nodes[first].Entered()
		}
	}
	if returned {
		w.arrange(true)
	} else {
		w.schedule()
	}
	return first
}

// waits reports whether a probe is under way. A balancer need not follow a pick, so
// one that nobody saw begin is none; and one that hangs must not be the last.
func (s *ejectState) waits(now, limit time.Duration, inFlight int64) bool {
	began := s.probing.Load()
	if began == idle {
		return false
	}
	took := now - time.Duration(began)
	return took < again || inFlight > 0 && took < limit
}

// lasted reports whether a probe may last for hours, see Balancer.Open, and has done so
// for that long: all that is in flight does, and not all of it is older.
func (s *ejectState) lasted(now, long time.Duration, n *sd.Node) bool {
	began, lasting := s.probing.Load(), n.Lasting()
	return began != idle && now-time.Duration(began) >= long && lasting > 0 && lasting >= n.InFlight() && n.Entered() != s.entered
}

// probed is the end of a probe: the node returns, is ejected again, or gets
// another probe. One that hung, so that there was another one since, tells no less; nor
// do other calls, which the node gets in a panic.
func (w *ward) probed(s *ejectState, o Outcome) {
	w.mu.Lock()
	defer w.unlock()
	if int64(o.Start) < s.since.Load() || !s.out.Load() || s.index < 0 {
		return
	}
	w.now = max(w.now, o.End)
	switch o.Result {
	case Canceled, Refused:
		if s.probing.Load() != int64(o.Start) {
			return // it is not the one that is waited for
		}
		s.probing.Store(idle)
		s.until = w.now + max(min(o.RetryAfter, w.cap), again)
	case Faulted:
		w.admit(s, FailedProbe)
	default:
		w.discharge(s)
		w.arrange(true)
		return
	}
	w.arrange(false)
}

// again is the time from a probe that told nothing to the next.
const again = time.Second
