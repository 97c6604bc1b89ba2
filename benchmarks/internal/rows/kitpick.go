package rows

import (
	"fmt"
	"runtime"

	kitlb "github.com/go-kit/kit/sd/lb"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// kitPicks only picks: there is nothing to release.
func kitPicks(b kitlb.Balancer) measure.Loop {
	return func(n int) error {
		for range n {
			if _, err := b.Endpoint(); err != nil {
				return err
			}
		}
		return nil
	}
}

// together runs the loop in parallel if it is to be shared.
func together(loop measure.Loop, shared bool) measure.Loop {
	if !shared {
		return loop
	}
	return parallel(runtime.GOMAXPROCS(0), surviving(loop))
}

// surviving goes on after an index out of range. Go kit's random balancer shares
// a generator without a lock, and so ends a process now and then. With a lock it
// would be slower still, so it is measured as it is; a mishap saves it a few
// thousand turns of a slice.
func surviving(loop measure.Loop) measure.Loop {
	const few = 4096
	return func(n int) error {
		for ; n > 0; n -= few {
			if err := attempt(loop, min(n, few)); err != nil {
				return err
			}
		}
		return nil
	}
}

func attempt(loop measure.Loop, n int) (err error) {
	defer func() {
		v := recover()
		if _, mishap := v.(runtime.Error); v != nil && !mishap {
			err = fmt.Errorf("rows: panic: %v", v)
		}
	}()
	return loop(n)
}
