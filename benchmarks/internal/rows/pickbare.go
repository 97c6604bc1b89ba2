package rows

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// The contestants that are here are parts of a pick that are the machine's, with no
// library round them.

// openClock reads the clock as a balancer does for an observer, at the start and the
// end of a call.
func openClock() (measure.Loop, func(), error) {
	zero := time.Now()
	return func(n int) error {
		for range n {
			start := time.Since(zero)
			if end := time.Since(zero); end < start {
				return errors.New("rows: the clock went back")
			}
		}
		return nil
	}, nil, nil
}

func openCounter(shared bool) opener {
	return func() (measure.Loop, func(), error) { return together(new(alone).count, shared), nil, nil }
}

// openTurn takes a turn, which all share, and counts in and out at the counter that it
// falls on, as who picks strictly in turn cannot do without.
func openTurn(n int) opener {
	return func() (measure.Loop, func(), error) {
		return together((&bareTurns{counters: make([]line, n)}).count, true), nil, nil
	}
}

// The loops are methods: what is inlined into a large function, as group is, has
// calls of its own inlined no more.

func (a *alone) count(n int) error {
	for range n {
		a.Add(1)
		a.Add(-1)
	}
	return nil
}

type bareTurns struct {
	turn     alone
	counters []line
}

func (b *bareTurns) count(n int) error {
	for range n {
		counter := &b.counters[b.turn.Add(1)%int64(len(b.counters))]
		counter.Add(1)
		counter.Add(-1)
	}
	return nil
}

// line is a counter that fills a cache line.
type line struct {
	atomic.Int64
	_ [56]byte
}

// alone is a counter that has its cache line to itself, wherever it lies.
type alone struct {
	_ [64]byte
	atomic.Int64
	_ [56]byte
}
