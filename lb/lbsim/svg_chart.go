package lbsim

import (
	"fmt"
	"math"
	"time"
)

// chart is the panel of a scenario.
type chart struct {
	*picture
	rows      []Row
	verdict   verdict
	left, top float64
	served    bool    // the bars are what is served
	low, high float64 // ends of the scale: powers of ten of a nanosecond
}

func newChart(p *picture, left, top int, rows []Row) *chart {
	c := &chart{picture: p, rows: rows, verdict: judge(rows), left: float64(left), top: float64(top)}
	low, high, late := math.Inf(1), math.Inf(-1), 0
	for i := range rows {
		h := &rows[i].Result.Latency
		low, high = min(low, decade(h.Quantile(0.5))), max(high, decade(h.Quantile(0.999)))
		if !rows[i].inTime() {
			late++
		}
	}
	c.low = step(low-0.1, math.Floor)
	c.high = max(step(high-0.01, math.Ceil), step(c.low+0.2, math.Ceil))
	c.served = late > 3*len(rows)/4
	return c
}

func (row *Row) inTime() bool { return row.p99() < row.Scenario.Timeout }

func decade(d time.Duration) float64 { return math.Log10(float64(max(d, 1000))) }

// step returns the next of 1, 2 and 5 times a power of ten, down or up, as a power of
// ten.
func step(e float64, round func(float64) float64) float64 {
	whole, part := math.Modf(e)
	return whole + steps[int(round(float64(len(steps)-1)*place(part)))]
}

var steps = [...]float64{0, math.Log10(2), math.Log10(5), 1}

// place returns where part is among the steps, from 0 to 1.
func place(part float64) float64 {
	for i := range len(steps) - 1 {
		if part <= steps[i+1] {
			return (float64(i) + (part-steps[i])/(steps[i+1]-steps[i])) / float64(len(steps)-1)
		}
	}
	return 1
}

func (c *chart) draw() {
	s := c.rows[0].Scenario
	c.text(c.left+16, c.top+22, `font-size="14" font-weight="bold"`, s.Name)
	c.text(c.left+16, c.top+39, grey, s.Title)
	if c.served {
		c.text(c.left+names+bars/2, c.top+22, `text-anchor="middle" `+grey, "what is served: longer is better")
	}
	x, y := c.left+names, c.top+heading
	c.text(x+bars+72, y-9, `text-anchor="end" font-size="11" `+grey, "success")
	c.text(x+bars+142, y-9, `text-anchor="end" font-size="11" `+grey, "p99")
	bottom := y + float64(len(c.rows)*barStep)
	c.scale(x, y, bottom)
	for i := range c.rows {
		c.row(x, y+float64(i*barStep), &c.rows[i])
	}
	if b := c.verdict.bound; b != nil {
		at := c.x(b.p99())
		if c.served {
			at = bars * b.Result.Success()
		}
		c.line(x+at, y, bottom, `stroke="#1d6b34" stroke-dasharray="4 3"`)
	}
}

// scale draws the marks of the bars.
func (c *chart) scale(x, top, bottom float64) {
	mark := func(at float64, text string) {
		c.line(x+at, top, bottom, `stroke="#cccccc"`)
		c.text(x+at, bottom+14, `text-anchor="middle" font-size="11" `+grey, text)
	}
	if c.served {
		for share := 0.0; share <= 1; share += 0.25 {
			mark(bars*share, fmt.Sprintf("%.0f %%", 100*share))
		}
		return
	}
	for e := c.low; e < c.high+0.1; e = step(e+0.01, math.Ceil) {
		mark(bars*(e-c.low)/(c.high-c.low), time.Duration(math.Round(math.Pow(10, e-6))*1e6).String())
	}
}

// x returns how far from the left of the bars a duration is.
func (c *chart) x(d time.Duration) float64 {
	return bars * min(max((decade(d)-c.low)/(c.high-c.low), 0), 1)
}

func (c *chart) row(x, y float64, r *Row) {
	bold := ""
	if r == c.verdict.best {
		bold = ` font-weight="bold"`
	}
	c.text(x-8, y+16, `text-anchor="end"`+bold, r.Contestant.Name)
	c.bar(x, y+float64(barStep-barHigh)/2, r)
	success := bold
	if r.Result.Success() < 0.999 {
		success += " " + red
	}
	c.text(x+bars+72, y+16, `text-anchor="end"`+success, fmt.Sprintf("%.2f %%", 100*r.Result.Success()))
	if r.inTime() {
		c.text(x+bars+142, y+16, `text-anchor="end"`+bold, millis(r.p99())+" ms")
	} else {
		c.text(x+bars+142, y+16, `text-anchor="end" `+red, "timeout")
	}
}

func (c *chart) bar(x, y float64, r *Row) {
	shades := colours[r.Contestant.Role]
	if c.served {
		c.rect(x, y, bars*r.Result.Success(), barHigh, shades[1])
		return
	}
	last := 0.0
	for k, q := range []float64{0.5, 0.99, 0.999} {
		to := c.x(r.Result.Latency.Quantile(q))
		c.rect(x+last, y, to-last, barHigh, shades[k])
		last = to
	}
}
