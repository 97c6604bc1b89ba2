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

// runner is a contestant, and what it is opened to.
type runner struct {
	Contestant
	fresh bool // opened for each slice
	turns int  // of the loop, in one part
	parts int  // of a slice
	loop  Loop
	end   func()
}

func (r *runner) open() error {
	loop, end, err := r.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", r.Name, err)
	}
	r.loop, r.end = loop, end
	return nil
}

// close may be called of one that is not open.
func (r *runner) close() {
	if end := r.end; end != nil {
		r.end = nil
		end()
	}
}

// ready counts the turns out. One that is to be fresh is open for that only.
func (r *runner) ready(clock Clock, part time.Duration) error {
	if r.fresh {
		if err := r.open(); err != nil {
			return err
		}
		defer r.close()
	}
	return r.calibrate(clock, part)
}

// calibrate finds how many turns fill a part of a slice, and warms up on the way.
// Turns that seem to be enough are made again: what held them up once, on a busy
// machine, was perhaps not the work.
func (r *runner) calibrate(clock Clock, part time.Duration) error {
	enough := part * 3 / 4
	for confirmed := 0; confirmed < 3; {
		start := clock()
		if err := r.loop(r.turns); err != nil {
			return fmt.Errorf("warm up %s: %w", r.Name, err)
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

// slice measures one slice, of what is opened and warmed up for it if it is to be
// fresh.
func (r *runner) slice(clock Clock) (Figure, error) {
	if r.fresh {
		if err := r.open(); err != nil {
			return Figure{}, err
		}
		defer r.close()
		if err := r.loop(max(1, r.turns*r.parts/warmUp)); err != nil {
			return Figure{}, fmt.Errorf("warm up %s: %w", r.Name, err)
		}
	}
	return r.measure(clock)
}

// warmUp is the share of the turns of a slice that comes before it if it is fresh.
const warmUp = 8

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
			return Figure{}, fmt.Errorf("%s: %w", r.Name, err)
		}
		took[i] = float64((clock() - start).Nanoseconds())
	}
	used := cores()
	runtime.ReadMemStats(&after)
	part := float64(r.turns) * float64(max(1, r.Per))
	all := part * float64(r.parts)
	return Figure{
		Nanos:  median(took) / part,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / all,
		Allocs: float64(after.Mallocs-before.Mallocs) / all,
		Cores:  used,
	}, nil
}
