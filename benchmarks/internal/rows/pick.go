package rows

import (
	"context"
	"fmt"
	"runtime"

	kitsd "github.com/go-kit/kit/sd"
	kitlb "github.com/go-kit/kit/sd/lb"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
)

// pickKind is a strategy beside the nearest thing that Go kit has, with its budget.
type pickKind struct {
	name     string
	strategy lb.Strategy
	peer     string
	kit      func(kitsd.Endpointer) kitlb.Balancer
	serial   float64 // nanoseconds, 0 is no budget; with a clock, what it takes more than two readings
	few      float64 // ratio in parallel, with three instances
	many     float64 // the same with more
	turns    bool    // it picks in turn
	clock    bool    // it reads the clock, twice
}

func pickKinds() []pickKind {
	return []pickKind{
		{"random", lb.Random(), "Go kit random", kitRandom, 30, 0.5, 0.25, false, false},
		{"round robin", lb.RoundRobin(), "Go kit round robin", kitlb.NewRoundRobin, 0, 0, 0.6, true, false},
		{"least request", lb.LeastRequest(), "Go kit random", kitRandom, 40, 0.999, 0.25, false, false},
		{"Peak EWMA", lb.PeakEWMA(), "Go kit random", kitRandom, 52, 0.999, 0.75, false, true},
	}
}

func kitRandom(e kitsd.Endpointer) kitlb.Balancer { return kitlb.NewRandom(e, 1) }

// pickParts makes parts of a millisecond. A pick allocates nothing.
const pickParts = 20

var pickSizes = [...]int{3, 100, 10_000}

const pickNote = "Pick of a balancer and the release of what it leased. Go kit releases nothing, so it is its pick " +
	"alone; it has nothing like least request and Peak EWMA, which stand beside its random."

// Picks compares the strategies, on one goroutine and in parallel.
func Picks() []measure.Group {
	var groups []measure.Group
	for _, kind := range pickKinds() {
		groups = append(groups, kind.group(false))
	}
	for _, kind := range pickKinds() {
		groups = append(groups, kind.group(true))
	}
	return groups
}

func (k pickKind) group(shared bool) measure.Group {
	g := measure.Group{Name: "Pick, " + k.name + ", one goroutine", Note: pickNote, Parts: pickParts}
	if shared {
		g.Name = "Pick, " + k.name + ", parallel"
		// The system needs a while to give each thread a core of its own.
		g.Cores, g.Stretch, g.Parts, g.Fresh = runtime.GOMAXPROCS(0), 3, 1, true
		g.Note = "A goroutine per core picks from one balancer; the time is wall time over all picks. " + pickNote
	}
	spread := measure.Row{What: "the slowest size beside the fastest", Budget: measure.Budget{Ratio: 1.5}}
	for _, n := range pickSizes {
		ours, theirs := fmt.Sprintf("%s of %d", k.name, n), fmt.Sprintf("%s of %d", k.peer, n)
		g.Contestants = append(g.Contestants,
			measure.Contestant{Name: ours, Open: k.open(n, shared)},
			measure.Contestant{Name: theirs, Open: k.openKit(n, shared)})
		g.Rows = append(g.Rows, measure.Row{What: ours, Ours: ours, Peer: theirs, Budget: k.budget(n, shared)})
		spread.Among = append(spread.Among, ours)
	}
	const bare = "add and sub of one atomic counter"
	g.Contestants = append(g.Contestants, measure.Contestant{Name: bare, Open: openCounter(shared)})
	g.Rows = append(g.Rows, measure.Row{What: g.Rows[1].What, Ours: g.Rows[1].Ours, Peer: bare})
	if !shared {
		g.Rows = append(g.Rows, spread)
	}
	if k.turns && shared {
		g.Note += " Ours of 100 and more has several turns, as its documentation says, and so need not wait for a shared one."
		for i, n := range pickSizes {
			turn := fmt.Sprintf("a shared turn, and add and sub of the counter that it falls on, of %d", n)
			g.Contestants = append(g.Contestants, measure.Contestant{Name: turn, Open: openTurn(n)})
			g.Rows = append(g.Rows, measure.Row{What: g.Rows[i].What, Ours: g.Rows[i].Ours, Peer: turn})
		}
	}
	if k.clock && !shared {
		const clock = "two readings of the clock"
		g.Note += " Peak EWMA has 100 ns where a reading takes 24. How long it takes is the system's affair, so the budget is for the rest."
		g.Contestants = append(g.Contestants, measure.Contestant{Name: clock, Open: openClock})
		for i := range pickSizes {
			budget := measure.Budget{MoreNanos: k.serial}
			g.Rows = append(g.Rows, measure.Row{What: g.Rows[i].What, Ours: g.Rows[i].Ours, Peer: clock, Budget: budget})
		}
	}
	return g
}

func (k pickKind) budget(n int, shared bool) measure.Budget {
	b := measure.Budget{NoAllocs: true}
	switch {
	case !shared && !k.clock:
		b.Nanos = k.serial
	case !shared:
	case n > 3:
		b.Ratio = k.many
	default:
		b.Ratio = k.few
	}
	return b
}

func (k pickKind) open(n int, shared bool) func() (measure.Loop, func(), error) {
	return func() (measure.Loop, func(), error) {
		return openPicks(n, alike, k.strategy, shared)
	}
}

func openPicks(n int, weight func(int) int, s lb.Strategy, shared bool) (measure.Loop, func(), error) {
	c, err := NewWeightedCluster(n, weight)
	if err != nil {
		return nil, nil, err
	}
	return together(picks(lb.New(c.Endpointer, s)), shared), c.Close, nil
}

func (k pickKind) openKit(n int, shared bool) func() (measure.Loop, func(), error) {
	return func() (measure.Loop, func(), error) {
		e, err := NewKitEndpointer(kitsd.FixedInstancer(addrs(n)), n)
		if err != nil {
			return nil, nil, err
		}
		return together(kitPicks(k.kit(e)), shared), e.Close, nil
	}
}

// picks leases and releases.
func picks(b *lb.Balancer[*Client]) measure.Loop {
	ctx := context.Background()
	return func(n int) error {
		for range n {
			lease, err := b.Pick(ctx)
			if err != nil {
				return err
			}
			lease.Done(ctx, nil)
		}
		return nil
	}
}
