package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// Group is a measured group.
type Group struct {
	Name, Note string
	Lines      []measure.Line
}

// Text writes the group as a table for a terminal.
func Text(w io.Writer, g Group) error {
	rows := [][]string{header}
	for _, l := range g.Lines {
		rows = append(rows, cells(l))
	}
	widths := make([]int, len(header))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", g.Name)
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			line.WriteString("  " + c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary says in a line how many budgets are kept, and how large the noise was.
func Summary(groups []Group) string {
	kept, missed := 0, 0
	low, high := 1.0, 1.0
	for _, g := range groups {
		for _, l := range g.Lines {
			switch l.Verdict() {
			case measure.OK:
				kept++
			case measure.Miss:
				missed++
			}
			if l.Noise {
				low, high = min(low, l.Ratio.Mid), max(high, l.Ratio.Mid)
			}
		}
	}
	return fmt.Sprintf("%d of %d budgets kept. The same thing twice gave ratios from %s to %s.",
		kept, kept+missed, number(low), number(high))
}
