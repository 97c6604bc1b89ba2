package rows

import (
	"errors"
	"sync"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// All returns every group, in the order of the page.
func All() []measure.Group {
	groups := []measure.Group{Middleware()}
	groups = append(groups, Picks()...)
	groups = append(groups, PicksOfWeights()...)
	groups = append(groups, PicksBesideKratos()...)
	groups = append(groups, PicksBesideGRPC()...)
	groups = append(groups, PicksOfGRPCKit()...)
	groups = append(groups, Updates(100), Updates(10_000), Retries(), Failsafes(), Limits(), Breakers(), Logs(), Traces(), Meters())
	groups = append(groups, HTTPs()...)
	return append(groups, GRPCs()...)
}

// parallel shares the turns among so many goroutines.
func parallel(goroutines int, loop measure.Loop) measure.Loop {
	return func(n int) error {
		errs := make([]error, goroutines)
		var running sync.WaitGroup
		for g := range goroutines {
			turns := n / goroutines
			if g < n%goroutines {
				turns++
			}
			running.Go(func() { errs[g] = loop(turns) })
		}
		running.Wait()
		return errors.Join(errs...)
	}
}

// plainly opens what needs no setting up.
func plainly(loop measure.Loop) func() (measure.Loop, func(), error) {
	return func() (measure.Loop, func(), error) { return loop, nil, nil }
}
