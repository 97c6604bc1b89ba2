package lbsim_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/sd"
)

// first is a strategy of one's own: it always picks the first instance.
type first struct{}

func (first) Picker([]*sd.Node, lb.Picker) lb.Picker  { return first{} }
func (first) Pick(context.Context, time.Duration) int { return 0 }

func ExampleRun() {
	s := &lbsim.Scenario{
		Name: "mine",
		Servers: []lbsim.Server{
			{ID: "a", Service: lbsim.Exponential(10 * time.Millisecond), Concurrency: 1},
			{ID: "b", Service: lbsim.Constant(30 * time.Millisecond)},
		},
		Load:     []lbsim.Step{{Rate: 50}, {From: 30 * time.Second, Rate: 90}},
		Duration: time.Minute,
		Timeout:  time.Second,
	}
	for _, strategy := range []lb.Strategy{first{}, lbsim.Omniscient()} {
		r, err := lbsim.Run(s, strategy, 1)
		if err != nil {
			fmt.Println(err)
			return
		}
		p99 := r.Latency.Quantile(0.99).Round(time.Millisecond)
		fmt.Printf("%.1f %% of %d calls, p99 %v\n", 100*r.Success(), r.Calls, p99)
	}
	// Output:
	// 100.0 % of 4192 calls, p99 202ms
	// 100.0 % of 4192 calls, p99 30ms
}

func ExampleCompare() {
	var chosen []lbsim.Scenario
	for _, s := range lbsim.Scenarios() {
		if s.Name == "h-failing" {
			s.Duration = 10 * time.Second
			chosen = append(chosen, s)
		}
	}
	rows, err := lbsim.Compare(context.Background(), chosen, lbsim.Baselines(), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := rows[0]
	for _, row := range rows {
		if row.Result.Success() > best.Result.Success() {
			best = row
		}
	}
	fmt.Println("best:", best.Contestant.Name)
	// Output: best: omniscient
}

func ExampleWriteTable() {
	s := lbsim.Scenario{
		Name: "mine", Title: "two servers",
		Servers: []lbsim.Server{
			{ID: "a", Service: lbsim.Constant(10 * time.Millisecond)},
			{ID: "b", Service: lbsim.Constant(30 * time.Millisecond)},
		},
		Load: []lbsim.Step{{Rate: 100}}, Duration: 10 * time.Second, Timeout: time.Second,
	}
	rows, err := lbsim.Compare(context.Background(), []lbsim.Scenario{s}, []lbsim.Contestant{
		{Name: "first", Strategy: first{}},
		{Name: "omniscient", Strategy: lbsim.Omniscient(), Role: lbsim.Bound},
	}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := lbsim.WriteTable(os.Stdout, rows); err != nil {
		fmt.Println(err)
	}
	// Output:
	// mine: two servers
	//                 success  goodput/s  p50 ms  p99 ms   of seeds  p99.9 ms   of seeds
	//        first  100.000 %         97    10.0    10.0  10.0–10.0      10.0  10.0–10.0
	//   omniscient  100.000 %         97    10.0    10.0  10.0–10.0      10.0  10.0–10.0
	// best: first, p99 10.0 ms; bound: p99 10.0 ms (+0.0 %)
}
