package lbsim

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The measures of the picture, in pixels.
const (
	columns  = 2
	panel    = 710 // wide
	names    = 182 // for the names of the contestants
	bars     = 360
	barStep  = 22
	barHigh  = 15
	heading  = 48
	footing  = 34
	titleTop = 64
)

// WriteSVG draws the rows: a panel for each scenario, and in it for each contestant a
// bar from the left up to its p99.9, darker up to p99 and to p50, on a logarithmic
// scale. Shorter is better. A broken line marks the p99 of the bound; the best
// strategy's numbers are bold, the success rate is beside them. Where most have their
// p99 at the timeout, the bars are what is served, and longer is better.
func WriteSVG(w io.Writer, rows []Row) error {
	p := &picture{Writer: bufio.NewWriter(w)}
	panels := split(rows)
	tops := make([]int, columns)
	for c := range tops {
		tops[c] = titleTop
	}
	at := make([][2]int, len(panels))
	for i, rows := range panels {
		c := i % columns
		at[i] = [2]int{c * panel, tops[c]}
		tops[c] += heading + len(rows)*barStep + footing
	}
	wide, high := panel*min(columns, max(len(panels), 1)), max(tops[0], tops[1])
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		wide, high, wide, high)
	p.rect(0, 0, float64(wide), float64(high), "#ffffff")
	p.legend()
	for i, rows := range panels {
		newChart(p, at[i][0], at[i][1], rows).draw()
	}
	fmt.Fprintln(p, "</svg>")
	return p.Flush()
}

// split returns the rows by scenario.
func split(rows []Row) [][]Row {
	var out [][]Row
	for from, i := 0, 1; i <= len(rows); i++ {
		if i == len(rows) || rows[i].Scenario != rows[from].Scenario {
			out = append(out, rows[from:i])
			from = i
		}
	}
	return out
}

// picture is written from top to bottom. The writer keeps its first error.
type picture struct{ *bufio.Writer }

// colours are those of p50, p99 and p99.9, by role.
var colours = map[Role][3]string{
	Entrant:  {"#0b4f8a", "#4a90d0", "#b5d4f0"},
	Baseline: {"#5a5a5a", "#9a9a9a", "#d6d6d6"},
	Bound:    {"#1d6b34", "#5fae76", "#bfe3c9"},
}

const (
	grey = `fill="#444444"`
	red  = `fill="#b00020"`
)

func (p *picture) legend() {
	p.text(16, 26, `font-size="17" font-weight="bold"`, "Balancing strategies by the latency of all calls: shorter is better")
	x := 16.0
	for _, l := range []struct {
		role Role
		name string
	}{{Entrant, "strategies of lb"}, {Baseline, "baselines"}, {Bound, "bound: omniscient"}} {
		for i, c := range colours[l.role] {
			p.rect(x+float64(26*i), 36, 26, 14, c)
		}
		p.text(x+86, 47, "", l.name)
		x += 210
	}
	p.text(x+10, 47, grey, "dark up to p50, then up to p99, light up to p99.9; a failed call counts as a timeout; bold: the best p99")
}

func (p *picture) rect(x, y, wide, high float64, colour string) {
	fmt.Fprintf(p, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, max(wide, 0), high, colour)
}

func (p *picture) line(x, top, bottom float64, attributes string) {
	fmt.Fprintf(p, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`+"\n", x, top, x, bottom, attributes)
}

func (p *picture) text(x, y float64, attributes, text string) {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a builder takes all
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" %s>%s</text>`+"\n", x, y, attributes, &escaped)
}
