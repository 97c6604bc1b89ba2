package measure

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Plan says how long to measure.
type Plan struct {
	// Rounds is how often each contestant runs, at least 1. An even number lets
	// each order of neighbours occur as often as its reverse.
	Rounds int
	// Slice is about how long it runs each time.
	Slice time.Duration
	// Clock is what times are taken by. Nil is the clock on the wall.
	Clock Clock
}

// Run measures the group, which takes about Rounds × Slice per contestant, times
// what the group asks for, and returns a line per row and one more for the noise.
func Run(ctx context.Context, g Group, p Plan) ([]Line, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	runners, err := openAll(g)
	defer func() {
		for _, r := range runners {
			r.close()
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("group %q: open %w", g.Name, err)
	}
	if p.Clock == nil {
		p.Clock = WallClock()
	}
	slice := p.Slice * time.Duration(max(1, g.Stretch))
	for _, r := range runners {
		r.parts = max(1, g.Parts)
		if err := r.calibrate(p.Clock, slice/time.Duration(r.parts)); err != nil {
			return nil, fmt.Errorf("group %q: warm up %w", g.Name, err)
		}
	}
	s, err := interleave(ctx, runners, p.Clock, max(1, p.Rounds)*max(1, g.Repeat))
	if err != nil {
		return nil, fmt.Errorf("group %q: %w", g.Name, err)
	}
	return lines(g, s), nil
}

// twin is the name of the second copy of a contestant.
const twin = "A/A"

// openAll opens the contestants and the twin of one, which runs right after it.
// What it returns beside an error must be closed too.
func openAll(g Group) ([]*runner, error) {
	var runners []*runner
	for _, c := range g.Contestants {
		r, err := open(c)
		if err != nil {
			return runners, err
		}
		runners = append(runners, r)
		if c.Name != g.twin() {
			continue
		}
		c.Name = twin
		if r, err = open(c); err != nil {
			return runners, err
		}
		runners = append(runners, r)
	}
	return runners, nil
}

func (g *Group) twin() string {
	if g.Twin != "" {
		return g.Twin
	}
	return g.Contestants[0].Name
}

// series is what each contestant did in each round, by its name.
type series map[string][]Figure

// interleave lets all run in turn, every other round backwards, so that being
// first, or next to somebody, is nobody's privilege.
func interleave(ctx context.Context, runners []*runner, clock Clock, rounds int) (series, error) {
	order := slices.Clone(runners)
	s := make(series)
	for range rounds {
		for _, r := range order {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			f, err := r.measure(clock)
			if err != nil {
				return nil, err
			}
			s[r.name] = append(s[r.name], f)
		}
		slices.Reverse(order)
	}
	return s, nil
}

func (s series) pick(name string, of func(Figure) float64) []float64 {
	out := make([]float64, len(s[name]))
	for i, f := range s[name] {
		out[i] = of(f)
	}
	return out
}
