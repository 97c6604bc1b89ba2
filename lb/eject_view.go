package lb

import (
	"time"

	"github.com/dowelkit/dowel/sd"
)

// arrange makes the view of the current picker, if other nodes are out than
// before or a panic begins or ends, and schedules the next probe.
func (w *ward) arrange(changed bool) {
	p := w.current
	n := len(p.nodes)
	ill := w.out + w.spared
	panics := ill > 0 && float64(n-ill) < w.panicky*float64(n)
	if changed || panics != w.panics {
		w.panics = panics
		p.view.Store(p.look(w.inner, w.out, panics))
	}
	w.schedule()
}

// look returns the view of those that are in, or of all.
func (p *ejectPicker) look(inner Strategy, out int, panics bool) *ejectView {
	if out == 0 || panics {
		return p.whole
	}
	if _, ok := p.whole.picker.(excluder); ok {
		gone := make([]bool, len(p.states))
		for i, s := range p.states {
			gone[i] = s.out.Load()
		}
		if rest := excluding(p.whole.picker, gone); rest != nil {
			return viewOf(rest)
		}
	}
	n := len(p.nodes)
	in := make([]*sd.Node, 0, n-out)
	indices := make([]int32, n+n-out) // both ways
	inside, outside := indices[:n], indices[n:n]
	for i, s := range p.states {
		inside[i] = -1
		if !s.out.Load() {
			inside[i] = int32(len(in))
			outside = append(outside, int32(i))
			in = append(in, p.nodes[i])
		}
	}
	v := viewOf(inner.Picker(in, p.whole.picker))
	v.inner, v.outer = inside, outside
	return v
}

// viewOf returns a view of all nodes of a picker.
func viewOf(p Picker) *ejectView {
	v := &ejectView{picker: p}
	v.observer, _ = p.(Observer)
	v.starter, _ = p.(Starter)
	return v
}

// schedule sets when a pick should look for a node to probe.
func (w *ward) schedule() {
	due := time.Duration(never)
	if w.out > 0 {
		for _, s := range w.current.states {
			if !s.out.Load() {
				continue
			}
			next := s.until
			if s.probing.Load() != idle {
				next = max(next, w.now+again) // to see what became of it
			}
			due = min(due, next)
		}
	}
	w.current.due.Store(int64(due))
}
