package lb

import (
	"fmt"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// PeakEWMA returns the strategy that draws two different instances at random and
// picks the one with less load, where the load is
//
//	expected latency × (calls in flight + 1) / weight
//
// after Finagle's Peak EWMA (twitter/finagle, PeakEwma.scala). The expected
// latency of an instance is the largest of:
//
//   - the average of its latencies, E. An answer that took longer than E sets
//     E to what it took, at once; one that took ℓ < E makes it
//     ℓ + (E-ℓ)·exp(-Δt/τ), where Δt is the time since E was set; it is booked if the
//     answer booked before is at least τ/256 old. Meanwhile E·exp(-Δt/τ) counts, so
//     that a slow instance is tried again.
//   - the silence: for how long a call has been in flight and none was answered. It
//     tells of an instance that hangs before any of its calls has ended. One that
//     began within τ/1024 of the end of another need not count for it. A call that
//     lasts by design keeps others away as long: it belongs in [Balancer.Open].
//   - after a fault, 100·T·exp(-t/τ), and after a rejection, 10·T·exp(-t/τ), where T
//     is the median of E over up to 64 instances and t the time since then: neither
//     is a latency, however fast it came.
//
// A call that was canceled, failed or was rejected raises E if it took longer than
// that, and never lowers it. What this process refused tells nothing. A call of
// [Balancer.Open] is in flight and may fault, but has neither latency nor silence, and
// is none of the few calls of a newcomer; the latency of one that [Lease.Answered] tells
// of is what it took until then. An instance that asked to be left alone is
// picked before the time is over, or before 6·τ, only if the other one drawn asked too.
//
// A newcomer begins with the median of the others' expected latencies, which decays. It,
// and one that has not answered for τ, may have only a few calls in flight while the
// other one drawn is proven, see [EWMAProbes]. Where weights differ, instances are drawn
// by weight.
// PeakEWMA panics if an option is out of range.
func PeakEWMA(opts ...EWMAOption) Strategy {
	e := &ewma{tau: 10 * time.Second, probes: 3}
	configure("PeakEWMA", e, opts, nil)
	e.rate, e.grain, e.hush = 1/float64(e.tau), e.tau/256, int64(e.tau/1024)
	for n := range e.crowd {
		e.crowd[n] = e.term(float64(n + 1))
	}
	return e
}

// EWMAOption changes a [PeakEWMA].
type EWMAOption func(*ewma) error

// EWMADecay sets τ, in which the weight of what was seen falls to 1/e. The default
// is 10 s, Finagle's; 1 µs is the least and 1 h the most.
func EWMADecay(tau time.Duration) EWMAOption {
	return func(e *ewma) error {
		e.tau = tau
		if tau < time.Microsecond || tau > time.Hour {
			return fmt.Errorf("the decay time must be from 1 µs to 1 h, not %v", tau)
		}
		return nil
	}
}

// EWMAProbes sets how many calls may be in flight on an instance that has not yet
// answered, or not for long. It must be at least 1; the default is 3.
func EWMAProbes(n int) EWMAOption {
	return func(e *ewma) error {
		e.probes = int64(n)
		if n < 1 {
			return fmt.Errorf("the probes must be at least 1, not %d", n)
		}
		return nil
	}
}

type ewma struct {
	tau    time.Duration
	rate   float64       // 1/τ, per nanosecond
	grain  time.Duration // how old an answer that was booked is before the next is
	hush   int64         // how soon after a call ended the next is not booked, see start
	probes int64
	crowd  [64]int64 // what n calls in flight add to a key
	chance
}

func (e *ewma) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &ewmaPicker{ewma: *e, nodes: nodes, shared: new(ewmaShared)}
	var before ewmaPicker
	if b, ok := prev.(*ewmaPicker); ok {
		before, p.shared = *b, b.shared
	}
	p.cells = Carry(nodes, before.nodes, before.cells, func(*sd.Node) *ewmaCell { return new(ewmaCell) })
	p.places = make([]ewmaPlace, len(nodes))
	for i, n := range nodes {
		p.places[i] = ewmaPlace{n, p.cells[i]}
	}
	if weights := weightsOf(nodes); weights != nil {
		p.shares, p.bonus = newShares(weights), make([]int64, len(nodes))
		for i, w := range weights {
			p.bonus[i] = e.term(w)
		}
		p.floor = slices.Max(p.bonus) - slices.Min(p.bonus)
	}
	return p
}
