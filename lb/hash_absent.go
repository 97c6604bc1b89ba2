package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// excluder is a picker that may be able to leave nodes out by itself, because to make
// one for the rest would cost too much, or is round such a picker.
type excluder interface {
	// without returns a picker with the same indices, or nil if it is not able to.
	// Some are in.
	without(out []bool) Picker
}

// excluding returns what p is without those that are out, or nil.
func excluding(p Picker, out []bool) Picker {
	if x, ok := p.(excluder); ok {
		return x.without(out)
	}
	return nil
}

// absent says who is out, of a hashPicker's nodes.
type absent struct {
	out []bool
	in  []int32 // the others' indices, parallel to the fallback's nodes
}

func (a *absent) has(i int) bool { return a != nil && a.out[i] }

// without returns a picker that hashes the keys of those that are out again, until
// they meet one that is in: no other key moves. The table stays.
func (p *hashPicker) without(out []bool) Picker {
	q := &hashPicker{nodes: p.nodes, weights: p.weights, owners: p.owners, bound: p.bound, chance: p.chance, absent: &absent{out: out}}
	var in []*sd.Node
	for i, n := range p.nodes {
		if !out[i] {
			q.absent.in = append(q.absent.in, int32(i))
			q.total += p.weights[i]
			in = append(in, n)
		}
	}
	q.fallback = leastRequest{p.chance}.Picker(in, nil)
	q.inFlight.Store(p.inFlight.Load())
	return q
}

// unkeyed picks for a call without a key.
func (p *hashPicker) unkeyed(ctx context.Context, now time.Duration) int {
	i := p.fallback.Pick(ctx, now)
	if p.absent != nil {
		return int(p.absent.in[i])
	}
	return i
}
