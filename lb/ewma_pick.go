package lb

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// ewmaPicker is the picker of a PeakEWMA.
type ewmaPicker struct {
	ewma
	nodes  []*sd.Node
	cells  []*ewmaCell // parallel to nodes
	places []ewmaPlace // the same two, for a pick to find them in one cache line
	bonus  []int64     // what its weight takes off a node's key; nil if all are equal
	floor  int64       // how far below now a key counts: as far as the weights differ
	shares *shares
	shared *ewmaShared
}

type ewmaPlace struct {
	node *sd.Node
	cell *ewmaCell
}

// ewmaShared is what a picker has in common with its predecessors. It is written
// once in τ/10 and read at every pick.
type ewmaShared struct {
	_       [64]byte
	typical atomic.Uint64 // T in nanoseconds, a float64's bits; 0 before any answer
	key     atomic.Int64  // the median of the keys, as T is of the costs; the same
	next    atomic.Int64  // when both are to be renewed
	_       [40]byte
}

const (
	// shunned is added to the load of those who should be left alone. It is more
	// than any load, and the double of it is no overflow.
	shunned = 1 << 60
	// The penalties, see PeakEWMA, as multiples of τ: logarithms of 100 and 10.
	faultTerm  = 2 * rejectTerm
	rejectTerm = math.Ln10
	// manyNodes are so many that what a pick touches is seldom near: another processor
	// wrote to it last, or it does not fit in. Of so many, it is fetched at once.
	manyNodes = 64
	// apartTerm bounds how long an instance may be left alone, in multiples of τ.
	apartTerm = 6
)

func (p *ewmaPicker) Pick(_ context.Context, now time.Duration) int {
	if len(p.nodes) == 1 {
		return 0
	}
	i, j := p.draw()
	i, j = p.order(i, j, now)
	if n := p.places[i].node.InFlight(); n > 0 && p.beats(j, i, n, now) {
		return j
	}
	return i
}

// enter is Pick, Acquire and Start in one, of two that were drawn. The node is nil if
// the one picked has left.
func (p *ewmaPicker) enter(i, j int, now time.Duration) (*sd.Node, int) {
	i, j = p.order(i, j, now)
	place := &p.places[i]
	n := place.node.Enter()
	switch {
	case n == 0:
		return nil, 0
	case n > 1 && i != j && p.beats(j, i, n-1, now):
		if other := &p.places[j]; other.node.Acquire() {
			place.node.Undo()
			place, i = other, j
		}
	}
	place.cell.start(now, &p.ewma)
	return place.node, i
}

// ahead draws before the clock is read: meanwhile what the pick will touch arrives.
func (p *ewmaPicker) ahead() (i, j int) {
	i, j = p.draw()
	if len(p.places) >= manyNodes {
		prefetch(&p.places[i], &p.places[j])
	}
	return i, j
}

// draw draws two nodes, if there are two.
func (p *ewmaPicker) draw() (i, j int) {
	switch {
	case len(p.places) == 1:
		return 0, 0
	case p.shares == nil:
		return two(len(p.nodes), p.or(rand.Uint64()))
	}
	return p.shares.two(p.or(rand.Uint64()))
}

// order returns first the one that has less load while both are idle: if it is, the
// other one's calls in flight, which are in a cache line that another processor may
// have, need not be looked at.
func (p *ewmaPicker) order(i, j int, now time.Duration) (int, int) {
	one, other := &p.places[i], &p.places[j]
	a, b := one.cell.key.Load(), other.cell.key.Load()
	if p.bonus != nil || one.cell.odd(a, now) || other.cell.odd(b, now) {
		a, b = p.idle(i, now), p.idle(j, now)
	}
	// Nobody can foretell which is less, the processor included. Of integers the
	// lesser is chosen without a jump.
	first := i
	if b < a {
		first = j
	}
	return first, i + j - first
}

// idle is the load of node i while no call is in flight, as a key.
func (p *ewmaPicker) idle(i int, now time.Duration) int64 {
	c := p.places[i].cell
	k := c.key.Load()
	if c.odd(k, now) {
		k = p.special(c, k, now)
	}
	k = max(k, int64(now)-p.floor) // a nanosecond
	if p.bonus != nil {
		k -= p.bonus[i]
	}
	return k
}

// special is the key of a node of which nothing is known, that is silent, or that has
// something against it.
func (p *ewmaPicker) special(c *ewmaCell, k int64, now time.Duration) int64 {
	typical := max(1, math.Float64frombits(p.shared.typical.Load()))
	if k == 0 { // as the others: those whose E has decayed meanwhile would be picked for ever
		// It decays from now on, else one lighter than all others would never be picked.
		k = p.shared.key.Load()
		c.key.CompareAndSwap(0, k)
	}
	if asked := -c.quiet.Load(); asked > 0 && int64(now) > asked {
		k = max(k, p.key(now, float64(int64(now)-asked)))
	}
	if blame := time.Duration(c.blame.Load()); blame > now {
		k = max(k, p.key(blame, typical))
	}
	if left := c.apart.Load() - int64(now); left > 0 {
		k = 2*shunned + left
	}
	return k
}

// beats reports whether node j has less load than node i with n calls in flight.
func (p *ewmaPicker) beats(j, i int, n int64, now time.Duration) bool {
	return p.load(j, p.places[j].node.InFlight(), now) < p.load(i, n, now)
}

// load is the load of node i with n calls in flight, as a key.
func (p *ewmaPicker) load(i int, n int64, now time.Duration) int64 {
	k := p.idle(i, now)
	if n < int64(len(p.crowd)) {
		k += p.crowd[n]
	} else {
		k += p.term(float64(n + 1))
	}
	if n >= p.probes && !p.places[i].cell.proven(now, &p.ewma) && n-p.places[i].node.Lasting() >= p.probes {
		k += shunned
	}
	return k
}

// Start books the beginning of a call, see [Starter]. Without it there is no silence.
func (p *ewmaPicker) Start(i int, now time.Duration) { p.places[i].cell.start(now, &p.ewma) }

func (p *ewmaPicker) Observe(i int, o Outcome) {
	c := p.places[i].cell
	switch {
	case o.Open: // neither its beginning nor how long it took counts
	case o.Result == Served:
		p.served(i, o.Start, o.End)
	case o.Result == Refused:
		c.withdraw(o.Start, o.End)
	default:
		c.atLeast(o.End, o.Latency(), &p.ewma, math.Float64frombits(p.shared.typical.Load()))
		c.withdraw(o.Start, o.End) // after E is no less than the silence
	}
	switch o.Result {
	case Faulted:
		c.avoid(&c.blame, o.End+p.times(faultTerm))
	case Rejected:
		c.avoid(&c.blame, o.End+p.times(rejectTerm))
	case Refused:
		return
	}
	if o.RetryAfter > 0 {
		c.avoid(&c.apart, o.End+min(o.RetryAfter, p.times(apartTerm)))
	}
}

// served books a call that was.
func (p *ewmaPicker) served(i int, start, end time.Duration) {
	c := p.places[i].cell
	c.end(end, &p.ewma)
	if cost := math.Float64frombits(c.cost.Load()); float64(end-start) > cost || end-time.Duration(c.alive.Load()) >= p.grain {
		p.answer(c, start, end)
	}
	if end > time.Duration(p.shared.next.Load()) {
		p.renew(end)
	}
}

func (p *ewmaPicker) answer(c *ewmaCell, start, end time.Duration) {
	typical := math.Float64frombits(p.shared.typical.Load())
	c.answer(end, end-start, &p.ewma, typical)
	if typical == 0 {
		p.shared.typical.CompareAndSwap(0, c.cost.Load())
	}
}

func (p *ewmaPicker) times(f float64) time.Duration { return time.Duration(f * float64(p.tau)) }

// renew sets T, and what a newcomer's key is, to the median of up to 64 nodes that are
// known, spread over the set.
func (p *ewmaPicker) renew(now time.Duration) {
	next := p.shared.next.Load()
	if !p.shared.next.CompareAndSwap(next, int64(now+p.tau/10)) {
		return
	}
	var known [64]float64
	var keys [64]int64
	k, n := 0, len(p.cells)
	at, step := p.below(n), max(1, n/len(known))
	for range min(n, len(known)) {
		// One that has not answered may have a key, one that is answering now no key yet.
		bits, key := p.cells[at].cost.Load(), p.cells[at].key.Load()
		if bits != 0 && key != 0 {
			known[k], keys[k] = math.Float64frombits(bits), key
			k++
		}
		at = (at + step) % n
	}
	if k > 0 {
		slices.Sort(known[:k])
		slices.Sort(keys[:k])
		p.shared.typical.Store(math.Float64bits(known[(k-1)/2]))
		p.shared.key.Store(keys[(k-1)/2])
	}
}
