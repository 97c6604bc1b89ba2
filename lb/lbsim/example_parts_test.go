package lbsim_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

func ExampleScenarios() {
	for _, s := range lbsim.Scenarios()[:3] {
		fmt.Println(s.Name+":", s.Title)
	}
	// Output:
	// a-linkerd: 1 of 11 servers takes 2 s per call for 30 s of a minute
	// b-finagle: 10 good servers, and one each cold, slow, failing for 15 s, failing for good
	// c-gc: 10 of 100 servers pause for 500 ms every 10 s, at half load
}

func ExampleBaselines() {
	for _, c := range lbsim.Baselines() {
		fmt.Println(c.Name)
	}
	// Output:
	// round robin
	// random
	// go-zero p2c
	// kratos p2c
	// omniscient
}

// unequal is a fast and a slow server, and the share of the calls that the fast one
// gets.
func unequal(strategy lb.Strategy) string {
	r, err := lbsim.Run(&lbsim.Scenario{
		Name: "unequal",
		Servers: []lbsim.Server{
			{ID: "fast", Service: lbsim.Constant(10 * time.Millisecond), Concurrency: 4},
			{ID: "slow", Service: lbsim.Constant(200 * time.Millisecond), Concurrency: 4},
		},
		Load: []lbsim.Step{{Rate: 50}}, Duration: time.Minute, Timeout: time.Second,
	}, strategy, 1)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.0f %% to the fast one", 100*r.Share(0))
}

func ExampleGoZero() {
	fmt.Println(unequal(lbsim.GoZero()))
	// Output: 98 % to the fast one
}

func ExampleKratos() {
	fmt.Println(unequal(lbsim.Kratos()))
	// Output: 99 % to the fast one
}

func ExampleOmniscient() {
	fmt.Println(unequal(lbsim.Omniscient()))
	// Output: 100 % to the fast one
}

// ExampleAdaptive overloads a server to twice what it can do, with a queue without
// bound and with the limit before it.
func ExampleAdaptive() {
	for _, limit := range []func() lbsim.Limiter{nil, lbsim.Adaptive} {
		r, err := lbsim.Run(&lbsim.Scenario{
			Name: "overload",
			Servers: []lbsim.Server{
				{ID: "a", Service: lbsim.Exponential(10 * time.Millisecond), Concurrency: 4, Limit: limit},
			},
			Load: []lbsim.Step{{Rate: 800}}, Duration: time.Minute, Timeout: 200 * time.Millisecond,
		}, lb.Random(), 1)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.0f of 400 a second\n", r.Goodput())
	}
	// Output:
	// 2 of 400 a second
	// 387 of 400 a second
}

func ExampleWriteSVG() {
	scenarios := lbsim.Scenarios()[:1]
	scenarios[0].Duration = 20 * time.Second
	rows, err := lbsim.Compare(context.Background(), scenarios, lbsim.Baselines()[:2], 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	var picture bytes.Buffer
	if err := lbsim.WriteSVG(&picture, rows); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4s\n", picture.String())
	// Output: <svg
}
