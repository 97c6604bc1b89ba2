package lbsim

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// GoZero returns a baseline: the strategy of go-zero v1.10.3 (zrpc/internal/
// balancer/p2c), written after its formulas. Two instances are drawn, up to three
// times until both are healthy, and the one with less load is picked:
//
//	load    = √(lag+1) · (inflight+1)            lag in ns
//	lag     = lag·w + sample·(1-w),  w = e^(-Δt/10 s), the first sample as it is
//	success = success·w + (0 or 1000)·(1-w), from 1000; healthy above 500
//
// One that was not picked for a second is picked in any case. All of it starts
// anew when the set changes. It is for simulations: it is not safe for concurrent
// use.
func GoZero() lb.Strategy { return goZero{intn: rand.IntN} }

type goZero struct{ intn func(int) int }

// Seeded is for lb.Seeded.
func (goZero) Seeded(r *rand.Rand) lb.Strategy { return goZero{intn: r.IntN} }

func (s goZero) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker {
	p := goZeroPicker{make([]goZeroNode, len(nodes)), s.intn}
	for i := range p.nodes {
		p.nodes[i].success = 1000
	}
	return p
}

type goZeroPicker struct {
	nodes []goZeroNode
	intn  func(int) int
}

type goZeroNode struct {
	lag, success uint64
	inflight     int64
	last, pick   time.Duration
}

func (n *goZeroNode) healthy() bool { return n.success > 500 }

func (n *goZeroNode) load() int64 {
	return int64(math.Sqrt(float64(n.lag+1))) * (n.inflight + 1)
}

func (p goZeroPicker) Pick(_ context.Context, now time.Duration) int {
	a, b := 0, len(p.nodes)-1
	for tries := 0; tries < 3 && len(p.nodes) > 2; tries++ {
		a, b = p.intn(len(p.nodes)), p.intn(len(p.nodes)-1)
		if b >= a {
			b++
		}
		if p.nodes[a].healthy() && p.nodes[b].healthy() {
			break
		}
	}
	if a != b {
		if p.nodes[a].load() > p.nodes[b].load() {
			a, b = b, a
		}
		if now-p.nodes[b].pick > time.Second {
			a = b
		}
	}
	return a
}

func (p goZeroPicker) Start(i int, now time.Duration) {
	p.nodes[i].pick = now
	p.nodes[i].inflight++
}

func (p goZeroPicker) Observe(i int, o lb.Outcome) {
	n := &p.nodes[i]
	n.inflight--
	w := math.Exp(-float64(o.End-n.last) / float64(10*time.Second))
	n.last = o.End
	if n.lag == 0 {
		w = 0
	}
	n.lag = uint64(float64(n.lag)*w + float64(o.Latency())*(1-w))
	success := 1000.0
	if o.Result == lb.Faulted || o.Result == lb.Rejected {
		success = 0
	}
	n.success = uint64(float64(n.success)*w + success*(1-w))
}
