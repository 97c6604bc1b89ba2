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
	if p.Clock == nil {
		p.Clock = WallClock()
	}
	runners := g.runners()
	defer func() {
		for _, r := range runners {
			r.close()
		}
	}()
	if err := prepare(runners, p.Clock, p.Slice*time.Duration(max(1, g.Stretch))); err != nil {
		return nil, fmt.Errorf("group %q: %w", g.Name, err)
	}
	s, err := interleave(ctx, runners, p.Clock, max(1, p.Rounds)*max(1, g.Repeat))
	if err != nil {
		return nil, fmt.Errorf("group %q: %w", g.Name, err)
	}
	return lines(g, s), nil
}

// twin is the name of the second copy of a contestant.
const twin = "A/A"

// runners are those of the contestants and of the twin of one, which runs right after
// it.
func (g *Group) runners() []*runner {
	var runners []*runner
	add := func(c Contestant) {
		runners = append(runners, &runner{Contestant: c, fresh: g.Fresh, turns: 1, parts: max(1, g.Parts)})
	}
	for _, c := range g.Contestants {
		add(c)
		if c.Name == g.twin() {
			c.Name = twin
			add(c)
		}
	}
	return runners
}

// prepare opens the runners, but for those that are to be fresh, and finds how many
// turns fill a slice.
func prepare(runners []*runner, clock Clock, slice time.Duration) error {
	for _, r := range runners {
		if r.fresh {
			continue
		}
		if err := r.open(); err != nil {
			return err
		}
	}
	for _, r := range runners {
		if err := r.ready(clock, slice/time.Duration(r.parts)); err != nil {
			return err
		}
	}
	return nil
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
			f, err := r.slice(clock)
			if err != nil {
				return nil, err
			}
			s[r.Name] = append(s[r.Name], f)
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
