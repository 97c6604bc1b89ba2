package lb

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// ward is what the pickers of one balancer share. Its lock is taken when an
// instance is ejected or returns, once an interval, and tried for a probe.
type ward struct {
	*ejector
	sweepAt atomic.Int64
	_       [64]byte // the rest is written where the above is only read

	mu      sync.Mutex
	current *ejectPicker
	now     time.Duration // of the last event
	out     int           // nodes of the current set that are out
	spared  int           // and that would be if there were room
	panics  bool
	rates   []float64 // scratch
	news    []news    // for onEject
	outside attendant // who goes round the pickers, or nil
}

type news struct {
	Ejection
	out bool
}

func newWard(e *ejector) *ward {
	w := &ward{ejector: e}
	w.sweepAt.Store(-1)
	return w
}

// takes reports whether the successor of p may have the ward and what it knows. A
// picker has one successor. When [Zone] splits a set, what comes of p second begins on
// its own: calls that p began end in this ward, and two must not keep one state.
func (w *ward) takes(p *ejectPicker) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current == p
}

// unlock tells what happened under the lock once it is free, so that who is told
// may ask.
func (w *ward) unlock() {
	told := w.news
	w.news = nil
	w.mu.Unlock()
	for _, n := range told {
		w.onEject(n.Ejection, n.out)
	}
}

func (w *ward) tell(in *sd.Instance, s *ejectState, lasts time.Duration, out bool) {
	if w.onEject != nil {
		w.news = append(w.news, news{Ejection{in, s.cause, int(s.times), lasts}, out})
	}
}

// enter makes p the current picker. What left the set counts no longer. The balancer is
// locked now, and who is told may call it: so it asks who is out when it is not. If
// somebody goes round p who does not pass that on, the next pick tells.
func (w *ward) enter(p *ejectPicker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.current
	if last != nil {
		last.due.Store(never)
		for _, s := range last.states {
			s.index = -1
		}
	}
	w.current, w.out, w.spared = p, 0, 0
	for i, s := range p.states {
		s.index = int32(i)
		w.out += count(s.out.Load())
		w.spared += count(s.spared.Load())
	}
	if last != nil {
		for i, s := range last.states {
			if s.index < 0 && s.out.Load() {
				w.tell(last.nodes[i].Instance(), s, 0, false)
			}
		}
	}
	w.shrink()
	w.arrange(true)
	if len(w.news) > 0 {
		p.due.Store(0)
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// room is how many nodes of the current set may be out.
func (w *ward) room() int {
	n := len(w.current.nodes)
	return max(0, min(int(w.most*float64(n)), n-1))
}

// shrink returns nodes, those with the least time left first, until there is room
// for those that are out.
func (w *ward) shrink() {
	excess := w.out - w.room()
	if excess <= 0 {
		return
	}
	outs := make([]*ejectState, 0, w.out)
	for _, s := range w.current.states {
		if s.out.Load() {
			outs = append(outs, s)
		}
	}
	slices.SortStableFunc(outs, func(a, b *ejectState) int { return cmp.Compare(a.until, b.until) })
	for _, s := range outs[:excess] {
		w.discharge(s)
	}
}

// ended books any call but a success that is like others.
func (w *ward) ended(s *ejectState, o Outcome) {
	switch {
	case s.out.Load():
		// Calls that began before the first probe are none.
		if int64(o.Start) >= s.since.Load() {
			w.probed(s, o)
		}
	case o.Result == Canceled || o.Result == Refused || int64(o.Start) < s.since.Load():
	case o.Result == Faulted:
		s.tally.Add(fault)
		run := s.run.Add(1)
		s.tally.Or(marked)
		// One that there is no room to eject is up again after as many.
		if run%w.faults == 0 {
			w.faulted(s, o.End)
		}
	default:
		s.tally.Add(success)
		s.run.Store(0)
		if s.spared.Load() {
			w.pardon(s)
		}
		s.plain()
	}
}

// faulted ejects a node after a run of faults, or spares it if there is no room.
func (w *ward) faulted(s *ejectState, now time.Duration) {
	w.mu.Lock()
	defer w.unlock()
	if s.index < 0 || s.out.Load() || s.run.Load() < w.faults {
		return // it left, or somebody was faster
	}
	w.now = max(w.now, now)
	ejected := w.out < w.room()
	if ejected {
		w.admit(s, ConsecutiveFaults)
	} else if !s.spared.Swap(true) {
		s.tally.Or(marked)
		w.spared++
	}
	w.arrange(ejected)
}

// pardon is for a node that was spared and serves again.
func (w *ward) pardon(s *ejectState) {
	w.mu.Lock()
	defer w.unlock()
	if s.spared.Swap(false) && s.index >= 0 {
		w.spared--
		w.arrange(false)
	}
}

// admit puts a node out, or keeps it there, for longer than the last time.
func (w *ward) admit(s *ejectState, cause EjectCause) {
	if !s.out.Swap(true) {
		w.out++
	}
	if s.spared.Swap(false) {
		w.spared--
	}
	s.cause = cause
	s.times++
	lasts := w.cap
	if int64(s.times) < int64(w.cap/w.base)+1 {
		lasts = min(w.base*time.Duration(s.times), w.cap)
	}
	lasts = lasts/2 + time.Duration(w.span(int64(lasts/2+1)))
	s.until = w.now + lasts
	s.since.Store(never) // but from the first probe on
	s.tally.Or(marked)
	s.probing.Store(idle)
	w.announce(s, lasts, true)
}

// discharge lets a node return, with nothing against it but how often it was out.
func (w *ward) discharge(s *ejectState) {
	s.tally.take()
	s.run.Store(0)
	s.since.Store(int64(w.now))
	s.probing.Store(idle)
	s.out.Store(false)
	w.out--
	w.announce(s, 0, false)
}
