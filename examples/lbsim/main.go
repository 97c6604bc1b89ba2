// Lbsim compares balancing strategies in simulated fleets with slow, pausing,
// failing, restarting and overloaded servers. It prints a table of success rates
// and latencies and draws them.
//
//	go run ./examples/lbsim [-scenario NAME,...] [-seeds N] [-o FILE.svg] [-sources]
//
// To see how a strategy of your own does, add it to contestants.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/transport"
)

func main() {
	scenario := flag.String("scenario", "", "the `names` of the scenarios, with commas between; all if empty")
	seeds := flag.Int("seeds", 10, "how many `runs` of each, with the seeds 1, 2, ...")
	file := flag.String("o", "lbsim.svg", "the `file` to draw into; nothing is drawn if empty")
	sources := flag.Bool("sources", false, "say where the scenarios come from, and run nothing")
	flag.Parse()

	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	if err := run(ctx, os.Stdout, *scenario, *seeds, *file, *sources); err != nil {
		fmt.Fprintln(os.Stderr, "lbsim:", err)
		os.Exit(1)
	}
}

// contestants are what is compared. The guarded ones have ejection and slow start
// round them, at their defaults.
func contestants() []lbsim.Contestant {
	return append([]lbsim.Contestant{
		{Name: "weighted round robin", Strategy: lb.WeightedRoundRobin()},
		{Name: "least request", Strategy: lb.LeastRequest()},
		{Name: "least request, guarded", Strategy: lb.SlowStart(lb.Eject(lb.LeastRequest()))},
		{Name: "peak EWMA", Strategy: lb.PeakEWMA()},
		{Name: "peak EWMA, guarded", Strategy: lb.SlowStart(lb.Eject(lb.PeakEWMA()))},
	}, lbsim.Baselines()...)
}

func run(ctx context.Context, out io.Writer, names string, seeds int, file string, sources bool) error {
	scenarios, err := choose(names)
	if err != nil {
		return err
	}
	if sources {
		for _, s := range scenarios {
			fmt.Fprintf(out, "%s: %s\n    %s\n", s.Name, s.Title, s.Source)
		}
		return nil
	}
	rows, err := lbsim.Compare(ctx, scenarios, contestants(), seeds)
	if err != nil {
		return err
	}
	if err := lbsim.WriteTable(out, rows); err != nil || file == "" {
		return err
	}
	var svg bytes.Buffer
	if err := lbsim.WriteSVG(&svg, rows); err != nil {
		return err
	}
	if err := os.WriteFile(file, svg.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ndrawn into %s\n", file)
	return nil
}

// choose returns the scenarios of these names.
func choose(names string) ([]lbsim.Scenario, error) {
	all := lbsim.Scenarios()
	if names == "" {
		return all, nil
	}
	var chosen []lbsim.Scenario
	for name := range strings.SplitSeq(names, ",") {
		known := len(chosen)
		for _, s := range all {
			if s.Name == name {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == known {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, list(all))
		}
	}
	return chosen, nil
}

func list(scenarios []lbsim.Scenario) string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}
