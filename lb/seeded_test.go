package lb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// That a seed determines what each strategy does is shown by package lbsim, whose
// runs are equal if it does.

// A balancer draws too: for those that begin with a draw, and when a call avoids
// whoever the strategy insists on.
func TestSeededBalancer(t *testing.T) {
	for name, strategy := range map[string]lb.Strategy{
		"random": lb.Random(), "least request": lb.LeastRequest(), "ejection": lb.Eject(lb.Random()), "first": first{},
	} {
		picks := func(seed uint64) (got []string) {
			e, _ := endpointer(t, instances(100), nil)
			balancer := lb.New(e, lb.Seeded(strategy, rand.NewPCG(seed, 1)))
			avoid := call.With(t.Context(), call.Attempt(1, []string{"i0000"}))
			for _, ctx := range slices.Repeat([]context.Context{t.Context(), avoid}, 20) {
				l, err := balancer.Pick(ctx)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, l.Instance().ID)
				l.Done(ctx, nil)
			}
			return got
		}
		if a, b := picks(1), picks(1); !slices.Equal(a, b) {
			t.Errorf("%s: one seed picks\n%v and\n%v", name, a, b)
		}
		if a, b := picks(1), picks(2); slices.Equal(a, b) {
			t.Errorf("%s: two seeds pick %v", name, a)
		}
	}
}

// The typical value is a median of some nodes, which chance chooses in a large set.
func TestSeededPeakEWMAHasTheSameTypicalValue(t *testing.T) {
	const n = 1000
	typical := func(seed uint64) (known []int) {
		d := drive(t, lb.Seeded(lb.PeakEWMA(), rand.NewPCG(seed, 1)), wardNodes(n))
		for i := 1; i < n; i++ {
			d.served(i, time.Duration(i)*10*time.Millisecond, time.Duration(i)*time.Millisecond)
		}
		now := n * 10 * time.Millisecond
		for range 20_000 { // node 0 has none of its own, and wins against who has more
			known = append(known, d.p.Pick(t.Context(), now))
		}
		return known
	}
	if !slices.Equal(typical(1), typical(1)) {
		t.Error("one seed picks differently")
	}
}

// One that is seeded inside is seeded anew outside, and one that cannot be is left
// as it is.
func TestSeededAnew(t *testing.T) {
	nodes := wardNodes(1000)
	picks := func(s lb.Strategy) (got []int) {
		p := s.Picker(nodes, nil)
		for range 20 {
			got = append(got, p.Pick(t.Context(), 0))
		}
		return got
	}
	inside := lb.Seeded(lb.Random(), rand.NewPCG(1, 1))
	once := picks(lb.Seeded(lb.Eject(inside), rand.NewPCG(2, 2)))
	again := picks(lb.Seeded(lb.Eject(inside), rand.NewPCG(2, 2)))
	if !slices.Equal(once, again) {
		t.Errorf("picked %v and %v", once, again)
	}
	if got := picks(lb.Seeded(first{}, rand.NewPCG(1, 1))); slices.Max(got) > 0 {
		t.Errorf("picked %v", got)
	}
}

func TestSeededMisuseNamesAllFaults(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "strategy is nil; the source is nil") {
			t.Errorf("panicked with %s", got)
		}
	}()
	lb.Seeded(nil, nil)
}

// ExampleSeeded makes a test of what is drawn at random repeatable.
func ExampleSeeded() {
	nodes := make([]*sd.Node, 5)
	for i := range nodes {
		nodes[i] = sd.NewNode(&sd.Instance{ID: fmt.Sprint("node-", i), Addr: "10.0.0.1:80"})
	}
	for range 2 {
		p := lb.Seeded(lb.LeastRequest(), rand.NewPCG(1, 2)).Picker(nodes, nil)
		var picks []int
		for range 8 {
			picks = append(picks, p.Pick(context.Background(), 0))
		}
		fmt.Println(picks)
	}
	// Output:
	// [3 3 3 3 1 0 2 2]
	// [3 3 3 3 1 0 2 2]
}
