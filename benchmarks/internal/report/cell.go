package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// header names what cells returns.
var header = []string{"what", "ours", "beside", "theirs", "ratio (quartiles)", "budget", ""}

// cells is a line of the table.
func cells(l measure.Line) []string {
	row := []string{l.What, cost(l.OurCost), l.Peer, "", "", "", verdict(l)}
	if l.Peer != "" {
		row[3], row[4] = cost(l.PeerCost), ratio(l)
	}
	var demands []string
	for _, d := range l.Demands() {
		demands = append(demands, demand(d))
	}
	row[5] = strings.Join(demands, ", ")
	return row
}

// cost is time, bytes and allocations per operation.
func cost(f measure.Figure) string {
	return fmt.Sprintf("%s, %s, %s", duration(f.Nanos), size(f.Bytes), number(f.Allocs))
}

func ratio(l measure.Line) string {
	return fmt.Sprintf("%s (%s to %s)", number(l.Ratio.Mid), number(l.Ratio.Low), number(l.Ratio.High))
}

func demand(d measure.Demand) string {
	switch d.Kind {
	case measure.Time:
		return "≤ " + number(d.Limit) + " ×"
	case measure.Memory:
		return fmt.Sprintf("bytes ≤ %s × (%s)", number(d.Limit), number(d.Got))
	case measure.Nanos:
		return "≤ " + duration(d.Limit)
	case measure.Beyond:
		return fmt.Sprintf("≤ %s more (%s)", duration(d.Limit), duration(d.Got))
	case measure.Excess:
		return fmt.Sprintf("≤ %s allocs more (%s)", number(d.Limit), number(d.Got))
	}
	return number(d.Limit) + " allocs"
}

// verdict says which parts of the budget are missed, and if it is a weak one.
func verdict(l measure.Line) string {
	v := kept(l)
	if had, starved := l.Starved(); starved && v != "" {
		v += fmt.Sprintf(" (had only %s of %d cores)", number(had), l.Cores)
	}
	return v
}

func kept(l measure.Line) string {
	if l.Verdict() != measure.Miss {
		return l.Verdict().String()
	}
	kinds := map[measure.Kind]string{
		measure.Time: "ratio", measure.Memory: "bytes", measure.Nanos: "time", measure.Allocations: "allocs", measure.Excess: "allocs",
		measure.Beyond: "time",
	}
	var missed []string
	for _, d := range l.Demands() {
		if !d.Met() {
			missed = append(missed, kinds[d.Kind])
		}
	}
	return "MISS: " + strings.Join(missed, ", ")
}

func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return number(ns) + " ns"
	case ns < 1e6:
		return number(ns/1e3) + " µs"
	}
	return number(ns/1e6) + " ms"
}

func size(b float64) string {
	switch {
	case b < 1e3:
		return number(b) + " B"
	case b < 1e6:
		return number(b/1e3) + " kB"
	}
	return number(b/1e6) + " MB"
}

// number shows three digits and no needless zeros.
func number(x float64) string {
	decimals := 0
	switch {
	case x < 0.1:
		decimals = 3
	case x < 10:
		decimals = 2
	case x < 100:
		decimals = 1
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
