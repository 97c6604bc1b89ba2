package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is figures that are no ratios of neighbouring slices, in words of their own.
type Table struct {
	Name, Note string
	Header     []string
	Rows       [][]string
}

// Text writes the table for a terminal.
func (t Table) Text(w io.Writer) error {
	if _, err := fmt.Fprintln(w, t.Name); err != nil {
		return err
	}
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		fmt.Fprintln(tabs, "  "+strings.Join(row, "\t"))
	}
	return tabs.Flush()
}

func (t Table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", t.Name, t.Note)
	b.WriteString(tableRow(t.Header) + strings.Repeat("|---", len(t.Header)) + "|\n")
	for _, row := range t.Rows {
		b.WriteString(tableRow(row))
	}
}
