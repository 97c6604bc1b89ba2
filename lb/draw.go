package lb

import "math"

// draw is how a pick by Random or LeastRequest begins: a node is drawn, all alike,
// and acquired. The balancer does that by itself, and the addition that acquires
// the node tells its load: to look first and add after would move the counter's
// cache line between processors twice. The zero draw means that the picker is
// asked, as one that is [Seeded] is.
type draw struct {
	from   uint64              // the number of nodes
	enough int64               // the load, with this call, up to which the first drawn is picked
	least  *leastRequestPicker // asked beyond that
	turn   *roundRobinPicker   // or nothing is drawn and this one asked, by no interface
}

func drawOf(p Picker) draw {
	switch p := p.(type) {
	case *roundRobinPicker:
		return draw{turn: p}
	case *randomPicker:
		if p.source != nil {
			break
		}
		return draw{from: p.n, enough: math.MaxInt64}
	case *leastRequestPicker:
		if len(p.nodes) > 1 && p.source == nil {
			return draw{from: uint64(len(p.nodes)), enough: 1, least: p}
		}
	}
	return draw{}
}
