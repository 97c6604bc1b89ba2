package report

import (
	"fmt"
	"io"
	"strings"
)

const head = `# Benchmarks

What the parts of the toolkit cost, beside Go kit and beside the plain standard library. This page is
written by ` + "`make bench ARGS=-write`" + `.

%s

## How to read it

- A cell of a cost is time, bytes and allocations per operation: medians over the rounds. Bytes and
  allocations are those of all goroutines. The time of a pick on one goroutine is in each round the median of
  twenty parts of a slice: what the system does meanwhile is left out, and there is no garbage to leave out.
- A ratio is our time over the other's, so less is better. The rivals of a table run in turn, a short slice
  each, for many rounds; the ratio is the median of those of neighbouring slices, with its quartiles. So it
  holds on a noisy machine, where the times alone do not.
- The last line of each table is one thing measured twice, beside itself. What it is off 1 is the noise.
- A budget is a promise of the toolkit. **MISS** says which part of it was not kept. Nanoseconds are meant
  for the machine below; ratios should hold elsewhere too.
- What is measured in parallel needs all cores at once. A line says so if other processes had them. What picks
  in parallel is opened anew and warmed up for each slice, the pair of the noise too: its time depends on where
  in memory it happens to lie, and so that is the luck of a slice instead of the whole table's.
- The loops are ordinary benchmarks as well: ` + "`cd benchmarks && GOWORK=off go test -bench . -cpuprofile cpu.out ./internal/rows`" + `.

## The machine

%s
`

// Markdown writes the page.
func Markdown(w io.Writer, m Machine, groups []Group, tables ...Table) error {
	var b strings.Builder
	fmt.Fprintf(&b, head, Summary(groups), m.list())
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n", g.Name)
		if g.Note != "" {
			fmt.Fprintf(&b, "%s\n\n", g.Note)
		}
		b.WriteString(tableRow(header) + strings.Repeat("|---", len(header)) + "|\n")
		for _, l := range g.Lines {
			row := cells(l)
			if last := len(row) - 1; strings.HasPrefix(row[last], "MISS") {
				row[last] = "**" + row[last] + "**"
			}
			b.WriteString(tableRow(row))
		}
	}
	for _, t := range tables {
		t.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func tableRow(cells []string) string {
	return "| " + strings.Join(cells, " | ") + " |\n"
}
