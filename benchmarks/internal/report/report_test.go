package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/report"
)

var groups = []report.Group{{Name: "Pick", Note: "Pick and release.", Lines: []measure.Line{
	{
		What: "random of 3", Ours: "ours", Peer: "Go kit",
		OurCost:  measure.Figure{Nanos: 21.44},
		PeerCost: measure.Figure{Nanos: 1234.5, Bytes: 2_500_000, Allocs: 10.25},
		Ratio:    measure.Ratio{Low: 0.0171, Mid: 0.0174, High: 0.018},
		Budget:   measure.Budget{Ratio: 0.1, ByteRatio: 0.35, Nanos: 30, NoAllocs: true},
	},
	{
		What: "slow", Ours: "ours", Peer: "plain",
		OurCost:  measure.Figure{Nanos: 2.5e6, Bytes: 64, Allocs: 1},
		PeerCost: measure.Figure{Nanos: 1e6},
		Ratio:    measure.Ratio{Low: 2, Mid: 2.5, High: 3},
		Budget:   measure.Budget{Ratio: 1.05, MoreNanos: 2e6, NoAllocs: true},
	},
	{What: "alone", Ours: "ours", OurCost: measure.Figure{Nanos: 100}},
	{
		What: "noise: the same thing twice", Ours: "A/A", Peer: "ours", Noise: true,
		OurCost: measure.Figure{Nanos: 100}, PeerCost: measure.Figure{Nanos: 100},
		Ratio: measure.Ratio{Low: 0.9, Mid: 0.97, High: 1},
	},
}}}

var abaci = report.Table{Name: "Abaci", Note: "Beads.", Header: []string{"of", "beads"}, Rows: [][]string{{"wood", "100"}}}

func TestTableText(t *testing.T) {
	var b strings.Builder
	if err := abaci.Text(&b); err != nil || b.String() != "Abaci\n  of    beads\n  wood  100\n" {
		t.Errorf("%v, %q", err, b.String())
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := report.Text(&b, groups[0]); err != nil {
		t.Fatal(err)
	}
	const want = `Pick
  what                         ours                beside  theirs                   ratio (quartiles)       budget                                        
  random of 3                  21.4 ns, 0 B, 0     Go kit  1.23 µs, 2.5 MB, 10.2    0.017 (0.017 to 0.018)  ≤ 0.1 ×, bytes ≤ 0.35 × (0), ≤ 30 ns, 0 allocs  ok
  slow                         2.5 ms, 64 B, 1     plain   1 ms, 0 B, 0             2.5 (2 to 3)            ≤ 1.05 ×, ≤ 2 ms more (1.5 ms), 0 allocs                             MISS: ratio, allocs
  alone                        100 ns, 0 B, 0
  noise: the same thing twice  100 ns, 0 B, 0      ours    100 ns, 0 B, 0           0.97 (0.9 to 1)
`
	if squeeze(b.String()) != squeeze(want) {
		t.Errorf("got\n%s", b.String())
	}
	lines := strings.Split(b.String(), "\n")
	if column := strings.Index(lines[1], "beside"); strings.Index(lines[2], "Go kit") != column {
		t.Errorf("columns are not aligned:\n%s", b.String())
	}
}

func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func TestLinesSayThatTheyHadTooFewCores(t *testing.T) {
	l := groups[0].Lines[1]
	l.Cores, l.OurCost.Cores, l.PeerCost.Cores = 2, 2, 1.25
	var b strings.Builder
	if err := report.Text(&b, report.Group{Lines: []measure.Line{l}}); err != nil ||
		!strings.Contains(b.String(), "MISS: ratio, allocs (had only 1.25 of 2 cores)") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestSummary(t *testing.T) {
	const want = "1 of 2 budgets kept. The same thing twice gave ratios from 0.97 to 1."
	if got := report.Summary(groups); got != want {
		t.Errorf("got %q", got)
	}
}

func TestMarkdown(t *testing.T) {
	m := report.Machine{
		CPU: "Abacus", Cores: 2, Procs: 1, Go: "go9", System: "plan9/mips", Loads: []string{"0.10", "1.20"},
		Date: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Peers: []string{"example.org/kit v1"},
	}
	var b strings.Builder
	if err := report.Markdown(&b, m, groups, abaci); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Benchmarks\n", "1 of 2 budgets kept", "- CPU: Abacus\n", "- Cores: 2, GOMAXPROCS 1\n", "- Go: go9\n",
		"- System: plan9/mips\n", "- Times: of the wall\n", "- Date: 2 January 2030, 03:04 UTC\n", "before and after: 0.10, 1.20\n",
		"- Beside: example.org/kit v1\n", "## Pick\n\nPick and release.\n\n| what | ours |", "|---|---|---|---|---|---|---|\n",
		"| random of 3 | 21.4 ns, 0 B, 0 | Go kit |", "| **MISS: ratio, allocs** |\n", "| alone | 100 ns, 0 B, 0 |  |  |  |  |  |\n",
		"\n## Abaci\n\nBeads.\n\n| of | beads |\n|---|---|\n| wood | 100 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestMarkdownNamesTheClock(t *testing.T) {
	var b strings.Builder
	if err := report.Markdown(&b, report.Machine{ByCPU: true}, groups); err != nil || !strings.Contains(b.String(), "- Times: of the process") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestThisMachineKnowsItself(t *testing.T) {
	m := report.ThisMachine()
	if m.Cores < 1 || m.Procs < 1 || !strings.HasPrefix(m.Go, "go") || time.Since(m.Date) > time.Hour {
		t.Errorf("machine is %+v", m)
	}
	before := len(m.Loads)
	m.NoteLoad()
	if len(m.Loads) < before {
		t.Errorf("loads are %v", m.Loads)
	}
}
