package lbsim

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Omniscient returns the strategy that sends each call where it will succeed
// soonest: it knows the size of the call, what every client has sent to every
// server, what is left of it, and every trouble to come. A call that no server can
// answer in time goes where it does the least harm. No real strategy can know all
// that, so it bounds what one can reach. (It is greedy: to spare a fast server for
// a later call could do better yet.) It works in simulations only: elsewhere its
// Pick panics.
func Omniscient() lb.Strategy { return omniscient{} }

type omniscient struct{}

func (omniscient) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker { return omniscient{} }

func (omniscient) Pick(ctx context.Context, _ time.Duration) int {
	return ctx.Value(oracleKey{}).(*run).soonest()
}

type oracleKey struct{}

// oracle is the context of a run's calls.
type oracle struct {
	context.Context
	run *run
}

func (o *oracle) Value(key any) any {
	if key == (oracleKey{}) {
		return o.run
	}
	return o.Context.Value(key)
}

// soonest returns the server where the call that is decided on ends first, or, if
// it is too late everywhere, one whose time it does not take, or the one that has
// the longest queue, so that the others stay able to answer.
func (r *run) soonest() int {
	a := r.deciding
	best, at := -1, a.deadline-r.Network
	lost, queue := 0, time.Duration(-1)
	offset := r.rest.IntN(len(a.client.stations)) // equals share
	for k := range a.client.stations {
		i := (offset + k) % len(a.client.stations)
		p := a.client.stations[i].plan(r.now, a.size, a.deadline)
		switch {
		case a.avoids(a.client, i):
		case p.result == lb.Served && p.end <= at:
			best, at = i, p.end-1
		case p.worker < 0:
			lost, queue = i, never
		case p.start > queue:
			lost, queue = i, p.start
		}
	}
	if best >= 0 {
		return best
	}
	return lost
}
