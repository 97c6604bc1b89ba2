package lb_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

func ExampleWeightedRoundRobin() {
	a := sd.NewNode(&sd.Instance{ID: "a", Addr: "10.0.0.1:80", Weight: 1})
	b := sd.NewNode(&sd.Instance{ID: "b", Addr: "10.0.0.2:80", Weight: 3})
	picker := lb.WeightedRoundRobin().Picker([]*sd.Node{a, b}, nil)

	counts := [2]int{}
	for range 100_000 {
		counts[picker.Pick(context.Background(), 0)]++
	}
	fmt.Printf("%.2f %.2f\n", float64(counts[0])/1e5, float64(counts[1])/1e5)
	// Output: 0.25 0.75
}
