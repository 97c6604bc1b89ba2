package measure

import (
	"fmt"
	"runtime"
	"time"
)

// Figure is what one unit of work costs.
type Figure struct {
	Nanos  float64 // by the clock of the plan
	Bytes  float64 // allocated, by whichever goroutine
	Allocs float64
	Cores  float64 // that the process used on average; zero if the system does not tell
}

// runner is an opened contestant.
type runner struct {
	name  string
	loop  Loop
	close func()
	per   float64
	turns int // of the loop, in one part
	parts int // of a slice
}

func open(c Contestant) (*runner, error) {
	loop, end, err := c.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	if end == nil {
		end = func() {}
	}
	return &runner{name: c.Name, loop: loop, close: end, per: float64(max(1, c.Per)), turns: 1, parts: 1}, nil
}

// calibrate finds how many turns fill a part of a slice, and warms up on the way.
// Turns that seem to be enough are made again: what held them up once, on a busy
// machine, was perhaps not the work.
func (r *runner) calibrate(clock Clock, part time.Duration) error {
	enough := part * 3 / 4
	for confirmed := 0; confirmed < 3; {
		start := clock()
		if err := r.loop(r.turns); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		took := max(clock()-start, 1)
		if took >= enough {
			confirmed++
			continue
		}
		// A guess from a short time is a bad one, so it grows step by step.
		guess := int(float64(r.turns) * float64(part) / float64(took))
		r.turns, confirmed = min(max(guess, r.turns+1), 50*r.turns), 0
	}
	return nil
}

// measure runs one slice. The heap is clean at its start, so that nobody pays for
// a rival's garbage; the cycles that its own causes are in its time.
func (r *runner) measure(clock Clock) (Figure, error) {
	var before, after runtime.MemStats
	took := make([]float64, r.parts)
	runtime.GC()
	runtime.ReadMemStats(&before)
	cores := coresUsed()
	for i := range took {
		start := clock()
		if err := r.loop(r.turns); err != nil {
			return Figure{}, fmt.Errorf("%s: %w", r.name, err)
		}
		took[i] = float64((clock() - start).Nanoseconds())
	}
	used := cores()
	runtime.ReadMemStats(&after)
	part := float64(r.turns) * r.per
	all := part * float64(r.parts)
	return Figure{
		Nanos:  median(took) / part,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / all,
		Allocs: float64(after.Mallocs-before.Mallocs) / all,
		Cores:  used,
	}, nil
}
