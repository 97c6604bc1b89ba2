package measure

import "math"

// Line is what came of a row.
type Line struct {
	What       string
	Ours, Peer string // the names; Peer is empty if there is none
	OurCost    Figure // medians
	PeerCost   Figure
	Ratio      Ratio // of the times; zero without a peer
	Budget     Budget
	Noise      bool // the line of the twin
	Cores      int  // that were needed at once; zero if it does not matter
}

func lines(g Group, s series) []Line {
	var out []Line
	for _, row := range g.Rows {
		if len(row.Among) > 0 {
			out = append(out, among(row, s))
			continue
		}
		out = append(out, s.line(row))
	}
	noise := s.line(Row{What: "noise: the same thing twice", Ours: twin, Peer: g.twin()})
	noise.Noise = true
	out = append(out, noise)
	for i := range out {
		out[i].Cores = g.Cores
	}
	return out
}

func (s series) line(row Row) Line {
	l := Line{What: row.What, Ours: row.Ours, Peer: row.Peer, OurCost: s.cost(row.Ours), Budget: row.Budget}
	if row.Peer != "" {
		l.PeerCost = s.cost(row.Peer)
		l.Ratio = ratio(s.pick(row.Ours, nanos), s.pick(row.Peer, nanos))
	}
	return l
}

// among compares each with each and keeps the two that differ most, the slower
// one as ours, which it adds to what the line is about.
func among(row Row, s series) Line {
	var worst Line
	for i, a := range row.Among {
		for _, b := range row.Among[i+1:] {
			l := s.line(Row{What: row.What, Ours: a, Peer: b, Budget: row.Budget})
			if l.Ratio.Mid < 1 {
				l.Ours, l.Peer, l.OurCost, l.PeerCost = b, a, l.PeerCost, l.OurCost
				l.Ratio = l.Ratio.up()
			}
			if l.Ratio.Mid > worst.Ratio.Mid {
				worst = l
			}
		}
	}
	worst.What += ": " + worst.Ours
	return worst
}

// Starved returns how many cores a side had, if that was clearly fewer than were
// needed: then nobody stood in anybody's way, and the ratio tells little.
func (l Line) Starved() (had float64, starved bool) {
	had = l.OurCost.Cores
	if l.Peer != "" {
		had = min(had, l.PeerCost.Cores)
	}
	return had, had > 0 && had < 0.85*float64(l.Cores)
}

func nanos(f Figure) float64  { return f.Nanos }
func bytes(f Figure) float64  { return f.Bytes }
func allocs(f Figure) float64 { return f.Allocs }
func cores(f Figure) float64  { return f.Cores }

// cost returns the medians. Allocations are rounded to hundredths and bytes to
// tenths: the runtime allocates a little now and then by itself.
func (s series) cost(name string) Figure {
	return Figure{
		Nanos:  median(s.pick(name, nanos)),
		Bytes:  math.Round(10*median(s.pick(name, bytes))) / 10,
		Allocs: math.Round(100*median(s.pick(name, allocs))) / 100,
		Cores:  median(s.pick(name, cores)),
	}
}
