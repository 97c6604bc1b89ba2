package lb_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

func keyed(key string) context.Context { return call.With(context.Background(), call.Key(key)) }

var tenThousandKeys = func() []context.Context {
	keys := make([]context.Context, 10_000)
	for i := range keys {
		keys[i] = keyed(fmt.Sprint("user-", i))
	}
	return keys
}()

// homes returns which instance each key is sent to.
func homes(p lb.Picker, nodes []*sd.Node) []string {
	to := make([]string, len(tenThousandKeys))
	for i, ctx := range tenThousandKeys {
		to[i] = nodes[p.Pick(ctx, 0)].Instance().ID
	}
	return to
}

// Other versions, processes and machines must agree, so these may never change.
func TestConsistentHashIsTheSameEverywhere(t *testing.T) {
	nodes := weighted(1, 1, 2, 5, 1)
	p := lb.ConsistentHash().Picker(nodes, nil)
	var got []int
	for _, key := range []string{"a", "b", "c", "user-1", "user-2", "a longer key, in UTF-8: ключ", "x", "y", "z"} {
		got = append(got, p.Pick(keyed(key), 0))
	}
	if want := []int{4, 3, 4, 4, 2, 3, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("keys go to %v, want %v", got, want)
	}
}

func TestConsistentHashMovesOnlyWhatItMust(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		weights := make([]int, 2+random.IntN(30))
		for i := range weights {
			weights[i] = random.IntN(6)
		}
		all := weighted(weights...)
		full := lb.ConsistentHash().Picker(all, nil)
		before := homes(full, all)
		gone := random.IntN(len(all))
		rest := slices.Delete(slices.Clone(all), gone, gone+1)
		after := homes(lb.ConsistentHash().Picker(rest, full), rest)
		for k := range before {
			if left := before[k] == all[gone].Instance().ID; !left && after[k] != before[k] {
				t.Fatalf("weights %v without %d: key %d moved from %s to %s", weights, gone, k, before[k], after[k])
			} else if left && after[k] == before[k] {
				t.Fatalf("key %d is sent to who left", k)
			}
		}
		// One that takes the place of another takes only its keys, and what it comes to own.
		swapped := slices.Clone(all)
		swapped[gone] = sd.NewNode(&sd.Instance{ID: all[gone].Instance().ID + "x", Addr: "10.0.0.1:80", Weight: weights[gone]})
		after = homes(lb.ConsistentHash().Picker(swapped, full), swapped)
		for k := range before {
			if after[k] != before[k] && before[k] != all[gone].Instance().ID && after[k] != swapped[gone].Instance().ID ||
				after[k] == all[gone].Instance().ID {
				t.Fatalf("weights %v, %d replaced: key %d moved from %s to %s", weights, gone, k, before[k], after[k])
			}
		}
		if fresh := homes(lb.ConsistentHash().Picker(swapped, nil), swapped); !slices.Equal(after, fresh) {
			t.Fatalf("weights %v, %d replaced: the keys are not where another process has them", weights, gone)
		}
		// And who joins takes only what it keeps.
		if again := homes(lb.ConsistentHash().Picker(all, nil), all); !slices.Equal(again, before) {
			t.Fatal("keys did not come back")
		}
	}
}

func TestConsistentHashOfAHeavierInstanceTakesOnlyForItself(t *testing.T) {
	a, b := weighted(1, 1, 1, 1), weighted(1, 3, 1, 1)
	before := homes(lb.ConsistentHash().Picker(a, nil), a)
	after := homes(lb.ConsistentHash().Picker(b, nil), b)
	moved := 0
	for k := range before {
		if before[k] != after[k] {
			if moved++; after[k] != b[1].Instance().ID {
				t.Fatalf("a key moved to %s", after[k])
			}
		}
	}
	if moved < 2200 || moved > 2800 { // from 1/4 to 3/6 of 10,000
		t.Errorf("%d keys moved", moved)
	}
}

// An instance whose weight changes stays the same node: its keys are reckoned anew.
func TestConsistentHashHeedsAWeightThatChanges(t *testing.T) {
	set := []sd.Instance{{ID: "a", Addr: "10.0.0.1:80", Weight: 1}, {ID: "b", Addr: "10.0.0.2:80", Weight: 1}}
	e, source := endpointer(t, sd.NextSet(nil, set), nil)
	strategy := lb.ConsistentHash()
	p := strategy.Picker(e.Set().Nodes(), nil)
	node := e.Set().Node(1)
	set[1].Weight = 9
	source <- sd.NextSet(nil, set)
	await(t, func() bool { return node.Instance().Weight == 9 })
	nodes, keys := e.Set().Nodes(), 0
	for _, id := range homes(strategy.Picker(nodes, p), nodes) {
		keys += count(id == "b")
	}
	if keys < 8700 || keys > 9300 {
		t.Errorf("by a weight of 9 to 1 it has %d of 10,000 keys", keys)
	}
}

func TestConsistentHashRespectsWeights(t *testing.T) {
	weights := []int{1, 2, 4, 0, -1, 10}
	nodes := weighted(weights...)
	counts := map[string]int{}
	for _, id := range homes(lb.ConsistentHash().Picker(nodes, nil), nodes) {
		counts[id]++
	}
	for i, n := range nodes {
		if got, want := float64(counts[n.Instance().ID]), 10_000*share(weights, i); math.Abs(got-want) > 6*math.Sqrt(want) {
			t.Errorf("weight %d got %.0f keys of %.0f", weights[i], got, want)
		}
	}
}

// A retry goes to the same other instance from every process, and to each in turn.
func TestConsistentHashWalksPastWhatTheCallAvoids(t *testing.T) {
	nodes := weighted(1, 1, 1, 1, 1)
	p, q := lb.ConsistentHash().Picker(nodes, nil), lb.ConsistentHash().Picker(nodes, nil)
	for k := range 100 {
		var tried []string
		for range nodes {
			ctx := call.With(keyed(fmt.Sprint(k)), call.Attempt(1+len(tried), slices.Clone(tried)))
			i := p.Pick(ctx, 0)
			if id := nodes[i].Instance().ID; slices.Contains(tried, id) || q.Pick(ctx, 0) != i {
				t.Fatalf("after %v picked %s, and %d elsewhere", tried, id, q.Pick(ctx, 0))
			}
			tried = append(tried, nodes[i].Instance().ID)
		}
		if i := p.Pick(call.With(keyed("k"), call.Attempt(6, tried)), 0); i < 0 || i > 4 {
			t.Fatalf("all tried: picked %d", i)
		}
	}
}

func TestConsistentHashWithoutAKeyIsLeastRequest(t *testing.T) {
	nodes := weighted(1, 1)
	nodes[0].Acquire()
	if got := picks(lb.ConsistentHash().Picker(nodes, nil), 2, 100); got[0] > 0 {
		t.Errorf("the busy one got %d", got[0])
	}
}

func TestConsistentHashConcurrentSafe(t *testing.T) {
	nodes := weighted(make([]int, 50)...)
	p := lb.ConsistentHash().Picker(nodes, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for k := range 3000 {
				i := p.Pick(tenThousandKeys[k%3], 0)
				nodes[i].Acquire()
				p.Pick(tenThousandKeys[k%3], 0)
				nodes[i].Release()
			}
		})
	}
	all.Wait()
	for i, n := range nodes {
		if n.InFlight() != 0 {
			t.Errorf("instance %d has %d in flight", i, n.InFlight())
		}
	}
}

func TestConsistentHashAllocatesNothing(t *testing.T) {
	nodes := weighted(1, 1, 1)
	p := lb.ConsistentHash().Picker(nodes, nil)
	ctx := keyed("user")
	nodes[p.Pick(ctx, 0)].Acquire()
	if n := testing.AllocsPerRun(100, func() { p.Pick(ctx, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConsistentHashMisuseNamesAllFaults(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"bound", "slots", "option 3 is nil"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not name %q", text, want)
			}
		}
	}()
	lb.ConsistentHash(lb.HashBound(math.NaN()), lb.HashSlots(0), nil)
}

func ExampleConsistentHash() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80")
	defer clients.Close()
	balancer := lb.New(clients, lb.ConsistentHash())

	ctx = call.With(ctx, call.Key("user 42"))
	for range 3 {
		lease, err := balancer.Pick(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(lease.Instance().Addr)
		lease.Done(ctx, nil)
	}
	// Output:
	// 10.0.0.4:80
	// 10.0.0.4:80
	// 10.0.0.4:80
}

func BenchmarkConsistentHash(b *testing.B) {
	for _, n := range []int{3, 100, 10000} {
		nodes := weighted(make([]int, n)...)
		p := lb.ConsistentHash().Picker(nodes, nil)
		b.Run(fmt.Sprint("pick/", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p.Pick(tenThousandKeys[i%10_000], 0)
			}
		})
		b.Run(fmt.Sprint("build/", n), func(b *testing.B) {
			for b.Loop() {
				lb.ConsistentHash().Picker(nodes, nil)
			}
		})
	}
}
