package measure

import (
	"errors"
	"fmt"
)

// Loop does the measured thing n times, and stops at the first failure: what
// does not work has no speed.
type Loop func(n int) error

// Contestant is one way to do what its group measures.
type Contestant struct {
	// Name is unique in the group.
	Name string
	// Open builds what the loop needs. Close, if it is not nil, takes it down.
	// A contestant may be opened more than once at a time.
	Open func() (loop Loop, close func(), err error)
	// Per is by how many units one turn of the loop is divided, for instance ten
	// for ten layers. Zero means 1.
	Per int
}

// Group is contestants that are measured in turn, and what is to be said of them.
type Group struct {
	Name string
	// Note tells the reader what is measured.
	Note        string
	Contestants []Contestant
	Rows        []Row
	// Stretch makes the slices of this group longer by a factor, for things that
	// take long. Zero means 1.
	Stretch int
	// Parts cuts each slice into so many parts, of which the median counts, so that
	// what the system does meanwhile is nobody's. It is for what costs the same each
	// time: of garbage, whose collection comes now and then, it would hide the cost.
	// Zero means 1.
	Parts int
	// Fresh opens a contestant anew for each slice, and closes it after. It is for
	// things whose time depends on where in memory they happen to lie: opened once,
	// they would have the luck of one place in all rounds.
	Fresh bool
	// Repeat lets this group have more rounds by a factor, for things whose time
	// varies much from slice to slice. Zero means 1.
	Repeat int
	// Cores is how many cores the contestants need at once to show what they are
	// compared for. Zero means that it does not matter.
	Cores int
	// Twin names the contestant that runs twice. Empty means the first.
	Twin string
}

// Row compares contestants, which it names.
type Row struct {
	What string
	// Ours is set beside Peer. Without a peer the row shows ours alone.
	Ours, Peer string
	// Among, instead of these two, is several contestants that should be equally
	// fast. The ratio is that of the two that differ most.
	Among  []string
	Budget Budget
}

// Budget is what a row must keep to. A zero field is no demand.
type Budget struct {
	// Ratio bounds our time over the peer's.
	Ratio float64
	// ByteRatio bounds our allocated bytes over the peer's.
	ByteRatio float64
	// Nanos bounds our time per unit, in nanoseconds. It is meant for the machine
	// that the budget was set on.
	Nanos float64
	// MoreNanos bounds by how many nanoseconds per unit our time exceeds the peer's.
	MoreNanos float64
	// NoAllocs demands that ours allocates nothing.
	NoAllocs bool
	// MoreAllocs bounds by how many our allocations exceed the peer's.
	MoreAllocs float64
}

// check returns every fault of the group, joined: a row that names nobody would
// otherwise compare nothing.
func (g *Group) check() error {
	var faults []error
	known := make(map[string]bool)
	for _, c := range g.Contestants {
		if known[c.Name] {
			faults = append(faults, fmt.Errorf("contestant %q is there twice", c.Name))
		}
		known[c.Name] = true
	}
	need := func(name string) {
		if !known[name] {
			faults = append(faults, fmt.Errorf("no contestant is called %q", name))
		}
	}
	if len(g.Contestants) == 0 {
		faults = append(faults, errors.New("there is no contestant"))
	}
	if g.Twin != "" {
		need(g.Twin)
	}
	for _, row := range g.Rows {
		if len(row.Among) > 0 {
			for _, name := range row.Among {
				need(name)
			}
			continue
		}
		need(row.Ours)
		if row.Peer != "" {
			need(row.Peer)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("group %q: %w", g.Name, err)
	}
	return nil
}
