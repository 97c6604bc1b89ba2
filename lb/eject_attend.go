package lb

import (
	"time"

	"github.com/dowelkit/dowel/sd"
)

// attendant is a picker that wants to know who is ejected and who returns, inside
// Eject or outside. It is told under the ward's lock and must not lock for long.
type attendant interface {
	ejected(n *sd.Node, out bool)
}

// ejecting is a picker that ejects, and tells an attendant outside.
type ejecting interface {
	attend(a attendant)
}

func (p *ejectPicker) attend(a attendant) {
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	p.ward.outside = a
}

// prober is a picker that leaves nodes out, and knows of one that it picked whether that
// is to be a probe.
type prober interface{ probes(i int) bool }

func (p *ejectPicker) probes(i int) bool { return p.states[i].out.Load() && p.view.Load() != p.whole }

// announce tells everybody that a node is out or in.
func (w *ward) announce(s *ejectState, lasts time.Duration, out bool) {
	n := w.current.nodes[s.index]
	w.tell(n.Instance(), s, lasts, out)
	if w.outside != nil {
		w.outside.ejected(n, out)
	}
	if a, ok := w.current.whole.picker.(attendant); ok {
		a.ejected(n, out)
	}
}
