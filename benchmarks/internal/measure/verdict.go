package measure

// Verdict is whether a line keeps to its budget.
type Verdict int

const (
	None Verdict = iota // there is no budget
	OK
	Miss
)

// String returns "", "ok" or "MISS".
func (v Verdict) String() string { return [...]string{"", "ok", "MISS"}[v] }

// Demand is one part of a budget.
type Demand struct {
	Kind  Kind
	Limit float64
	Got   float64
}

// Kind is what a demand bounds.
type Kind int

const (
	Time   Kind = iota // ratio of times
	Memory             // ratio of allocated bytes
	Nanos              // nanoseconds per unit
	Allocations
	Excess // our allocations less the peer's
	Beyond // our nanoseconds per unit less the peer's
)

// Met reports whether the demand is met. What could not be measured is not met.
func (d Demand) Met() bool { return d.Got <= d.Limit }

// Demands returns what the line's budget asks for, and what came of it.
func (l Line) Demands() []Demand {
	var ds []Demand
	b := l.Budget
	if b.Ratio > 0 {
		ds = append(ds, Demand{Time, b.Ratio, l.Ratio.Mid})
	}
	if b.ByteRatio > 0 {
		ds = append(ds, Demand{Memory, b.ByteRatio, l.OurCost.Bytes / l.PeerCost.Bytes})
	}
	if b.Nanos > 0 {
		ds = append(ds, Demand{Nanos, b.Nanos, l.OurCost.Nanos})
	}
	if b.MoreNanos > 0 {
		ds = append(ds, Demand{Beyond, b.MoreNanos, l.OurCost.Nanos - l.PeerCost.Nanos})
	}
	if b.NoAllocs {
		ds = append(ds, Demand{Allocations, 0, l.OurCost.Allocs})
	}
	if b.MoreAllocs > 0 {
		ds = append(ds, Demand{Excess, b.MoreAllocs, l.OurCost.Allocs - l.PeerCost.Allocs})
	}
	return ds
}

// Verdict is Miss if any demand of the line's budget is not met.
func (l Line) Verdict() Verdict {
	v := None
	for _, d := range l.Demands() {
		if !d.Met() {
			return Miss
		}
		v = OK
	}
	return v
}
