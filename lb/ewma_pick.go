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
	nodes   []*sd.Node
	cells   []*ewmaCell // parallel to nodes
	places  []ewmaPlace // the same two, for a pick to find them in one cache line
	weights []float64   // nil if all are equal
	shares  *shares
	shared  *ewmaShared
}

type ewmaPlace struct {
	node *sd.Node
	cell *ewmaCell
}

// ewmaShared is what a picker has in common with its predecessors. It is written
// once in τ/10 and read at every pick.
type ewmaShared struct {
	typical atomic.Uint64 // T in nanoseconds, a float64's bits; 0 before any answer
	next    atomic.Int64  // when T is to be renewed
}

const (
	// shunned is added to the load of those who should be left alone. It is more
	// nanoseconds than any load, and few enough for the load to be told beside it.
	shunned = 1e15
	// The penalties, see PeakEWMA, as multiples of τ: logarithms of 100 and 10.
	faultTerm  = 2 * rejectTerm
	rejectTerm = math.Ln10
	// apartTerm bounds how long an instance may be left alone, in multiples of τ.
	apartTerm = 6
)

func (p *ewmaPicker) Pick(_ context.Context, now time.Duration) int {
	if len(p.nodes) == 1 {
		return 0
	}
	var i, j int
	if p.shares == nil {
		i, j = two(len(p.nodes), p.or(rand.Uint64()))
	} else {
		i, j = p.shares.two(p.or(rand.Uint64()))
	}
	typical := math.Float64frombits(p.shared.typical.Load())
	// Nobody can foretell which is less, the processor included. Positive floats are
	// in the order of their bits, and of integers the lesser is chosen without a jump.
	a, b := math.Float64bits(p.load(i, now, typical)), math.Float64bits(p.load(j, now, typical))
	if b < a {
		i = j
	}
	return i
}

// load is the load of node i, in nanoseconds. It compares by if, because max has to
// heed what no latency is: NaN and -0.
func (p *ewmaPicker) load(i int, now time.Duration, typical float64) float64 {
	place := &p.places[i]
	c, n := place.cell, place.node.InFlight()
	expect, proven := typical, false
	if bits := c.cost.Load(); bits != 0 {
		since := now - time.Duration(c.stamp.Load())
		expect, proven = math.Float64frombits(bits), since < p.tau
		if since >= p.grain { // else it would change a thousandth at most
			expect *= fade(float64(since) * p.rate)
		}
	}
	if silence := c.silence(now); silence > expect {
		expect = silence
	}
	if expect < 1 {
		expect = 1
	}
	if left := time.Duration(c.blame.Load()) - now; left > 0 {
		expect = max(expect, max(typical, 1)*math.Exp(float64(left)*p.rate))
	}
	load := expect * float64(n+1)
	if p.weights != nil {
		load /= p.weights[i]
	}
	if !proven && n >= p.probes {
		load += shunned
	}
	if left := time.Duration(c.apart.Load()) - now; left > 0 {
		load += 2*shunned + float64(left)
	}
	return load
}

// Start books the beginning of a call, see [Starter]. Without it there is no silence.
func (p *ewmaPicker) Start(i int, now time.Duration) { p.places[i].cell.start(now, &p.ewma) }

func (p *ewmaPicker) Observe(i int, o Outcome) {
	c := p.places[i].cell
	c.end(o.End, &p.ewma)
	typical := math.Float64frombits(p.shared.typical.Load())
	switch o.Result {
	case Served:
		c.answer(o.End, o.Latency(), &p.ewma, typical)
		if typical == 0 {
			p.shared.typical.CompareAndSwap(0, c.cost.Load())
		}
		if o.End > time.Duration(p.shared.next.Load()) {
			p.renew(o.End)
		}
	case Faulted, Rejected, Canceled:
		p.trouble(c, o, typical)
	case Refused:
		return
	}
	if o.RetryAfter > 0 {
		raise(&c.apart, o.End+min(o.RetryAfter, p.times(apartTerm)))
	}
}

// trouble books a call that was not served.
func (p *ewmaPicker) trouble(c *ewmaCell, o Outcome, typical float64) {
	c.atLeast(o.End, o.Latency(), &p.ewma, typical)
	switch o.Result {
	case Faulted:
		raise(&c.blame, o.End+p.times(faultTerm))
	case Rejected:
		raise(&c.blame, o.End+p.times(rejectTerm))
	}
}

func (p *ewmaPicker) times(f float64) time.Duration { return time.Duration(f * float64(p.tau)) }

// renew sets T to the median of up to 64 nodes that are known, spread over the set.
func (p *ewmaPicker) renew(now time.Duration) {
	next := p.shared.next.Load()
	if !p.shared.next.CompareAndSwap(next, int64(now+p.tau/10)) {
		return
	}
	var known [64]float64
	k, n := 0, len(p.cells)
	at, step := p.below(n), max(1, n/len(known))
	for range min(n, len(known)) {
		if bits := p.cells[at].cost.Load(); bits != 0 {
			known[k] = math.Float64frombits(bits)
			k++
		}
		at = (at + step) % n
	}
	if k > 0 {
		slices.Sort(known[:k])
		p.shared.typical.Store(math.Float64bits(known[(k-1)/2]))
	}
}
