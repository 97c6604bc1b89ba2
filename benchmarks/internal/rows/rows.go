package rows

import (
	"errors"
	"runtime"
	"sync"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// All returns every group, in the order of the page.
func All() []measure.Group {
	groups := []measure.Group{Middleware()}
	groups = append(groups, Picks()...)
	return append(groups, Updates(100), Updates(10_000), Retries())
}

// parallel shares the turns among GOMAXPROCS goroutines.
func parallel(loop measure.Loop) measure.Loop {
	return func(n int) error {
		procs := runtime.GOMAXPROCS(0)
		errs := make([]error, procs)
		var running sync.WaitGroup
		for p := range procs {
			turns := n / procs
			if p < n%procs {
				turns++
			}
			running.Go(func() { errs[p] = loop(turns) })
		}
		running.Wait()
		return errors.Join(errs...)
	}
}

// plainly opens what needs no setting up.
func plainly(loop measure.Loop) func() (measure.Loop, func(), error) {
	return func() (measure.Loop, func(), error) { return loop, nil, nil }
}
