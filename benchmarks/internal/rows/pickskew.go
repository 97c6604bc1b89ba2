package rows

import (
	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
)

// PicksOfWeights shows whether a pick by weight costs the same at any number of
// instances and any skew.
func PicksOfWeights() []measure.Group {
	return []measure.Group{weightsGroup(false), weightsGroup(true)}
}

func weightsGroup(shared bool) measure.Group {
	g := pickGroup("Pick by weight", "Pick and release. Skewed is one of a thousand with the weight of a thousand, else the "+
		"weights are 1, 2 and 4 in turn.", shared)
	for _, s := range []struct {
		name     string
		strategy lb.Strategy
	}{{"weighted round robin", lb.WeightedRoundRobin()}, {"least request", lb.LeastRequest()}} {
		flat := measure.Row{What: s.name + ", the slowest beside the fastest", Budget: measure.Budget{NoAllocs: true}}
		if !shared { // in parallel the few heavy ones are fought for
			flat.Budget.Ratio = 1.5
		}
		for _, c := range []struct {
			name   string
			n      int
			weight func(int) int
		}{{" of 3", 3, spread}, {" of 100", 100, spread}, {" of 10000", 10_000, spread}, {" of 10000, skewed", 10_000, skewed}} {
			g.add(s.name+c.name, ours(c.n, c.weight, s.strategy))
			flat.Among = append(flat.Among, s.name+c.name)
		}
		g.Rows = append(g.Rows, flat)
	}
	return g.Group
}
