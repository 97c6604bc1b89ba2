package lbsim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// Contestant is a strategy that is compared, under a name.
type Contestant struct {
	Name     string
	Strategy lb.Strategy
	Role     Role
}

// Role says what a contestant is there for. It decides the colour of its bar.
type Role uint8

const (
	// Entrant: it is what the comparison is about.
	Entrant Role = iota
	// Baseline: what others do.
	Baseline
	// Bound: what nobody can do better.
	Bound
)

// Baselines returns the published formulas of others, beside round robin and
// random, and the bound.
func Baselines() []Contestant {
	return []Contestant{
		{"round robin", lb.RoundRobin(), Baseline},
		{"random", lb.Random(), Baseline},
		{"go-zero p2c", GoZero(), Baseline},
		{"kratos p2c", Kratos(), Baseline},
		{"omniscient", Omniscient(), Bound},
	}
}

// Row is what a contestant reached in a scenario, over all seeds.
type Row struct {
	Scenario   *Scenario
	Contestant Contestant
	// Result is of all seeds together: its percentiles are of all their calls.
	Result Result
	// P99 and P999 are of each seed, to show how far they scatter.
	P99, P999 []time.Duration
}

// Compare runs each contestant in each scenario with the seeds 1 to n, on all
// processors, and returns a row for each pair, in the order of the scenarios and
// within one of the contestants. The errors are those of Validate, joined, and
// that of ctx.
func Compare(ctx context.Context, scenarios []Scenario, contestants []Contestant, n int) ([]Row, error) {
	var faults []error
	for i := range scenarios {
		faults = append(faults, scenarios[i].Validate())
	}
	for _, c := range contestants {
		if c.Strategy == nil {
			faults = append(faults, fmt.Errorf("lbsim: contestant %q has no strategy", c.Name))
		}
	}
	if n < 1 {
		faults = append(faults, fmt.Errorf("lbsim: %d seeds are too few", n))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(scenarios)*len(contestants))
	for i := range scenarios {
		for _, c := range contestants {
			rows = append(rows, Row{Scenario: &scenarios[i], Contestant: c})
		}
	}
	jobs := make(chan *Row)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for row := range jobs {
				row.run(ctx, n)
			}
		})
	}
	for i := range rows {
		jobs <- &rows[i]
	}
	close(jobs)
	workers.Wait()
	return rows, ctx.Err()
}

func (row *Row) run(ctx context.Context, n int) {
	for seed := 1; seed <= n && ctx.Err() == nil; seed++ {
		r := newRun(row.Scenario, row.Contestant.Strategy, uint64(seed)).simulate()
		row.Result.Merge(r)
		row.P99 = append(row.P99, r.Latency.Quantile(0.99))
		row.P999 = append(row.P999, r.Latency.Quantile(0.999))
	}
}
