package lbsim

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Kratos returns a baseline: the strategy of Kratos v2.9.2 (selector/p2c over
// selector/node/ewma), written after its formulas. Two instances are drawn, and
// the one with more weight is picked:
//
//	weight  = success · 10⁴ ns / load, from a cache for 5 ms
//	load    = √(max(lag, predict) + 5 ms) · (inflight+1)   lag in ns
//	        = 100 µs · (inflight+1) before the first answer
//	predict = the mean age of the calls under way that are older than lag, if
//	          they are more than half of them (of 200 at most)
//	lag     = lag·w + sample·(1-w),  w = e^(-Δt/600 ms), the first sample as it is
//	success = success·w + (0 or 1000)·(1-w), from 1000
//
// One that was not picked for three seconds is picked in any case. All of it
// starts anew when the set changes. Kratos counts no error but timeouts, network
// errors and "unavailable"; here every fault is one of them. It is for
// simulations: it is not safe for concurrent use.
func Kratos() lb.Strategy { return kratos{intn: rand.IntN} }

type kratos struct{ intn func(int) int }

// Seeded is for lb.Seeded.
func (kratos) Seeded(r *rand.Rand) lb.Strategy { return kratos{intn: r.IntN} }

func (s kratos) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker {
	p := kratosPicker{make([]kratosNode, len(nodes)), s.intn}
	for i := range p.nodes {
		p.nodes[i].success = 1000
		p.nodes[i].inflight = 1
		p.nodes[i].updated = math.MinInt64 / 2
	}
	return p
}

type kratosPicker struct {
	nodes []kratosNode
	intn  func(int) int
}

type kratosNode struct {
	lag, inflight int64
	success       uint64
	requests      int
	started       [200]time.Duration
	stamp, pick   time.Duration
	weight        float64
	updated       time.Duration
}

func (n *kratosNode) load(now time.Duration) float64 {
	if n.lag == 0 {
		return float64(100*time.Microsecond) * float64(n.inflight)
	}
	lag := max(n.lag, n.predict(now)) + int64(5*time.Millisecond)
	return math.Floor(math.Sqrt(float64(lag))) * float64(n.inflight)
}

func (n *kratosNode) predict(now time.Duration) int64 {
	var all, slow, total int64
	for _, start := range n.started {
		if start == 0 {
			continue
		}
		all++
		if age := int64(now - start); age > n.lag {
			slow++
			total += age
		}
	}
	if slow < all/2+1 {
		return 0
	}
	return total / slow
}

func (n *kratosNode) weigh(now time.Duration) float64 {
	if now-n.updated > 5*time.Millisecond {
		n.updated = now
		n.weight = float64(n.success*10_000) / n.load(now)
	}
	return n.weight
}

func (p kratosPicker) Pick(_ context.Context, now time.Duration) int {
	a := 0
	if len(p.nodes) > 1 {
		a = p.intn(len(p.nodes))
		b := p.intn(len(p.nodes) - 1)
		if b >= a {
			b++
		}
		if p.nodes[b].weigh(now) > p.nodes[a].weigh(now) {
			a, b = b, a
		}
		if now-p.nodes[b].pick > 3*time.Second {
			a = b
		}
	}
	return a
}

func (p kratosPicker) Start(i int, now time.Duration) {
	n := &p.nodes[i]
	n.pick = now
	n.inflight++
	n.requests++
	if slot := &n.started[n.requests%len(n.started)]; *slot == 0 {
		*slot = now
	}
}

func (p kratosPicker) Observe(i int, o lb.Outcome) {
	n := &p.nodes[i]
	for k, start := range n.started {
		if start == o.Start {
			n.started[k] = 0
			break
		}
	}
	n.inflight--
	w := math.Exp(-float64(o.End-n.stamp) / float64(600*time.Millisecond))
	n.stamp = o.End
	if n.lag == 0 {
		w = 0
	}
	n.lag = int64(float64(n.lag)*w + float64(o.Latency())*(1-w))
	success := 1000.0
	if o.Result == lb.Faulted {
		success = 0
	}
	n.success = uint64(float64(n.success)*w + success*(1-w))
}
