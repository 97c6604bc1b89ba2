package lbsim

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The measures of the picture, in pixels.
const (
	columns  = 2
	panel    = 710 // wide
	names    = 170 // for the names of the contestants
	bars     = 380
	barStep  = 22
	barHigh  = 15
	heading  = 48
	footing  = 34
	titleTop = 64
)

// WriteSVG draws the rows: a panel for each scenario, and in it for each
// contestant a bar from the left up to its p99.9, darker up to p99 and to p50, on
// one logarithmic scale for all. Shorter is better. The success rate is beside it.
func WriteSVG(w io.Writer, rows []Row) error {
	p := &picture{Writer: bufio.NewWriter(w)}
	p.scale(rows)
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
	fmt.Fprintf(p, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", wide, high)
	p.legend()
	for i, rows := range panels {
		p.panel(at[i][0], at[i][1], rows)
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
type picture struct {
	*bufio.Writer
	low, high float64 // decades of the scale, powers of ten of a nanosecond
}

// scale spans whole decades round all that is shown.
func (p *picture) scale(rows []Row) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range rows {
		h := &rows[i].Result.Latency
		low = min(low, decade(h.Quantile(0.5)))
		high = max(high, decade(h.Quantile(0.999)))
	}
	if low > high {
		low, high = 6, 9
	}
	p.low, p.high = math.Floor(low-0.2), math.Ceil(high-0.01)
	p.high = max(p.high, p.low+1)
}

func decade(d time.Duration) float64 { return math.Log10(float64(max(d, 1000))) }

// x returns how far from the left of the bars a duration is.
func (p *picture) x(d time.Duration) float64 {
	return bars * min(max((decade(d)-p.low)/(p.high-p.low), 0), 1)
}

// colours are those of p50, p99 and p99.9, by role.
var colours = map[Role][3]string{
	Entrant:  {"#0b4f8a", "#4a90d0", "#b5d4f0"},
	Baseline: {"#5a5a5a", "#9a9a9a", "#d6d6d6"},
	Bound:    {"#1d6b34", "#5fae76", "#bfe3c9"},
}

func (p *picture) legend() {
	p.text(16, 26, `font-size="17" font-weight="bold"`, "Latency of all calls by balancing strategy: shorter is better")
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
	p.text(x, 47, `fill="#444444"`, "dark up to p50, then up to p99, light up to p99.9; a failed call counts as a timeout")
}

func (p *picture) panel(left, top int, rows []Row) {
	x0, y0 := float64(left+names), float64(top+heading)
	bottom := y0 + float64(len(rows)*barStep)
	p.text(float64(left+16), float64(top+22), `font-size="14" font-weight="bold"`, rows[0].Scenario.Name)
	p.text(float64(left+16), float64(top+39), `fill="#444444"`, rows[0].Scenario.Title)
	p.text(x0+bars+72, y0-9, `text-anchor="end" font-size="11" fill="#444444"`, "success")
	p.text(x0+bars+132, y0-9, `text-anchor="end" font-size="11" fill="#444444"`, "p99")
	for e := p.low; e <= p.high; e++ {
		x := x0 + bars*(e-p.low)/(p.high-p.low)
		fmt.Fprintf(p, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#cccccc"/>`+"\n", x, y0, x, bottom)
		p.text(x, bottom+14, `text-anchor="middle" font-size="11" fill="#444444"`, time.Duration(math.Round(math.Pow(10, e))).String())
	}
	for i := range rows {
		r := &rows[i]
		y := y0 + float64(i*barStep+(barStep-barHigh)/2)
		p.text(x0-8, y+12, `text-anchor="end"`, r.Contestant.Name)
		h := &r.Result.Latency
		last := 0.0
		for k, q := range []float64{0.5, 0.99, 0.999} {
			to := p.x(h.Quantile(q))
			p.rect(x0+last, y, to-last, barHigh, colours[r.Contestant.Role][k])
			last = to
		}
		colour := `text-anchor="end"`
		if r.Result.Success() < 0.999 {
			colour += ` fill="#b00020" font-weight="bold"`
		}
		p.text(x0+bars+72, y+12, colour, fmt.Sprintf("%.2f %%", 100*r.Result.Success()))
		p.text(x0+bars+132, y+12, `text-anchor="end"`, millis(h.Quantile(0.99))+" ms")
	}
}

func (p *picture) rect(x, y, wide, high float64, colour string) {
	fmt.Fprintf(p, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, max(wide, 0), high, colour)
}

func (p *picture) text(x, y float64, attributes, text string) {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a builder takes all
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" %s>%s</text>`+"\n", x, y, attributes, &escaped)
}
