package rows

import (
	"runtime"
	"slices"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
)

// opener makes a loop of picks for one goroutine, and what ends it.
type opener func() (measure.Loop, func(), error)

func ours(n int, weight func(int) int, s lb.Strategy) opener {
	return func() (measure.Loop, func(), error) { return openPicks(n, weight, s, false) }
}

// pairs is a group of pairs of pickers.
type pairs struct {
	measure.Group
	shared bool
}

func pickGroup(name, note string, shared bool) *pairs {
	g := &pairs{measure.Group{Name: name + ", one goroutine", Note: note, Parts: pickParts}, shared}
	if shared {
		g.Name = name + ", parallel"
		g.Cores, g.Stretch, g.Parts, g.Fresh = runtime.GOMAXPROCS(0), 3, 1, true
	}
	return g
}

// beside adds a row. A contestant that is there already is not opened again.
func (g *pairs) beside(name string, open opener, peer string, openPeer opener, budget measure.Budget) {
	g.add(name, open)
	g.add(peer, openPeer)
	g.Rows = append(g.Rows, measure.Row{What: name, Ours: name, Peer: peer, Budget: budget})
}

func (g *pairs) add(name string, open opener) {
	if slices.ContainsFunc(g.Contestants, func(c measure.Contestant) bool { return c.Name == name }) {
		return
	}
	g.Contestants = append(g.Contestants, measure.Contestant{Name: name, Open: func() (measure.Loop, func(), error) {
		loop, end, err := open()
		if err != nil {
			return nil, nil, err
		}
		return together(loop, g.shared), end, nil
	}})
}
