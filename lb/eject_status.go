package lb

import (
	"fmt"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Ejection is an instance that [Eject] leaves out.
type Ejection struct {
	Instance *sd.Instance
	Cause    EjectCause
	Times    int           // ejections in a row
	For      time.Duration // from now, or from the ejection, to the probe; 0 if that is due or the instance returns
}

// EjectCause says why an instance is out.
type EjectCause uint8

const (
	// ConsecutiveFaults: it faulted too often in a row.
	ConsecutiveFaults EjectCause = iota + 1
	// LowSuccessRate: it faulted much more often than the others.
	LowSuccessRate
	// FailedProbe: it was out, and the call that probed it faulted too.
	FailedProbe
)

// String returns the cause in words.
func (c EjectCause) String() string {
	switch c {
	case ConsecutiveFaults:
		return "consecutive faults"
	case LowSuccessRate:
		return "low success rate"
	case FailedProbe:
		return "failed probe"
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// Ejecter is a Picker that may leave instances out and says which, sorted by
// instance ID. A picker of one's own that wraps one should be one, and a [Leaver].
type Ejecter interface {
	// Ejected may run the function of [OnEject]: the balancer asks for that at a pick
	// after the set has changed.
	Ejected(now time.Duration) []Ejection
}

// lister is an Ejecter that can say who is out and run nothing.
type lister interface {
	list(now time.Duration) []Ejection
}

func listOf(p Picker, now time.Duration) []Ejection {
	switch p := p.(type) {
	case lister:
		return p.list(now)
	case Ejecter:
		return p.Ejected(now)
	}
	return nil
}

func ejectedOf(p Picker, now time.Duration) []Ejection {
	if e, ok := p.(Ejecter); ok {
		return e.Ejected(now)
	}
	return nil
}

// Ejected returns the instances that the balancer's strategy leaves out, sorted by
// ID, of the set of the last pick: none unless the strategy is [Eject] or goes round
// it. In a panic they are out but get calls; see [PanicThreshold]. It runs no function of
// [OnEject], since who asks may hold locks, as a collection of metrics does, unless a
// picker of one's own goes round Eject's.
func (b *Balancer[C]) Ejected() []Ejection {
	s := b.state.Load()
	if len(s.nodes) == 0 {
		return nil
	}
	return listOf(s.picker, time.Since(b.epoch))
}

// Ejected returns who is out, and tells what is to be told.
func (p *ejectPicker) Ejected(now time.Duration) []Ejection {
	p.ward.mu.Lock()
	defer p.ward.unlock()
	return p.ward.list(now)
}

func (p *ejectPicker) list(now time.Duration) []Ejection {
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	return p.ward.list(now)
}

func (w *ward) list(now time.Duration) []Ejection {
	var list []Ejection
	for i, s := range w.current.states {
		if s.out.Load() {
			in := w.current.nodes[i].Instance()
			list = append(list, Ejection{in, s.cause, int(s.times), max(s.until-now, 0)})
		}
	}
	return list
}
