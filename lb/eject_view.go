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
		return &ejectView{picker: p.whole, observer: p.observer}
	}
	n := len(p.nodes)
	in := make([]*sd.Node, 0, n-out)
	indices := make([]int32, n+n-out) // both ways
	v := &ejectView{inner: indices[:n], outer: indices[n:n]}
	for i, s := range p.states {
		v.inner[i] = -1
		if !s.out.Load() {
			v.inner[i] = int32(len(in))
			v.outer = append(v.outer, int32(i))
			in = append(in, p.nodes[i])
		}
	}
	v.picker = inner.Picker(in, p.whole)
	v.observer, _ = v.picker.(Observer)
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
