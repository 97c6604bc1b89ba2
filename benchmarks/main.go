package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/registry"
	"github.com/dowelkit/dowel/benchmarks/internal/report"
	"github.com/dowelkit/dowel/benchmarks/internal/rows"
	"github.com/dowelkit/dowel/internal/testserver"
)

// page is where -write writes.
const page = "../BENCHMARKS.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// instances is how many a service has that is watched in a registry.
const instances = 5000

// settings are the flags.
type settings struct {
	plan  measure.Plan
	only  *regexp.Regexp
	write bool
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	only := flags.String("run", "", "measure only the groups whose name matches the `regexp`, in any case")
	flags.IntVar(&s.plan.Rounds, "rounds", 30, "how often each contestant runs, and some of them several times as often")
	flags.DurationVar(&s.plan.Slice, "slice", 20*time.Millisecond, "how long it runs each time, longer in groups of slow things")
	cpu := flags.Bool("cpu", false, "take times by what the process uses of the processors, for busy machines")
	flags.BoolVar(&s.write, "write", false, "write "+page)
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected arguments %q", flags.Args()))
	}
	if s.plan.Rounds < 1 {
		errs = append(errs, fmt.Errorf("-rounds must be at least 1, not %d", s.plan.Rounds))
	}
	if s.plan.Slice <= 0 {
		errs = append(errs, fmt.Errorf("-slice must be positive, not %v", s.plan.Slice))
	}
	var err error
	if s.only, err = regexp.Compile("(?i)" + *only); err != nil {
		errs = append(errs, fmt.Errorf("-run: %w", err))
	}
	if s.write && *only != "" {
		errs = append(errs, errors.New("-write needs all groups: not together with -run"))
	}
	if *cpu {
		s.plan.Clock, err = measure.CPUClock()
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

func run(ctx context.Context, args []string, w io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	machine := report.ThisMachine("github.com/go-kit/kit")
	machine.ByCPU = s.plan.Clock != nil
	var groups []report.Group
	for _, g := range rows.All() {
		if !s.only.MatchString(g.Name) {
			continue
		}
		lines, err := measure.Run(ctx, g, s.plan)
		if err != nil {
			return err
		}
		groups = append(groups, report.Group{Name: g.Name, Note: g.Note, Lines: lines})
		if err := report.Text(w, groups[len(groups)-1]); err != nil {
			return err
		}
	}
	var tables []report.Table
	if s.only.MatchString(registry.Title) {
		t, end := testserver.Outside()
		defer end()
		tables = append(tables, registry.Table(t, instances))
		if err := tables[0].Text(w); err != nil {
			return err
		}
	}
	if len(groups)+len(tables) == 0 {
		return errors.New("no group's name matches -run")
	}
	machine.NoteLoad()
	if len(groups) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w, report.Summary(groups)); err != nil || !s.write {
		return err
	}
	return writePage(machine, groups, tables)
}

func writePage(m report.Machine, groups []report.Group, tables []report.Table) error {
	f, err := os.Create(page)
	if err != nil {
		return err
	}
	return errors.Join(report.Markdown(f, m, groups, tables...), f.Close())
}
