package sd_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/dowelkit/dowel/sd"
)

// fleet returns n instances named like hosts.
func fleet(n int) []*sd.Instance {
	found := make([]sd.Instance, n)
	for i := range found {
		found[i] = sd.Instance{ID: fmt.Sprintf("10.0.%d.%d:8080", i/256, i%256)}
	}
	return sd.NextSet(nil, found)
}

func subset(t testing.TB, set []*sd.Instance, n int, client string) []*sd.Instance {
	return first(t, sd.Subset(fixed(set), n, client))
}

func TestSubsetOfASmallSetIsAll(t *testing.T) {
	for _, n := range []int{3, 4, 100} {
		set := fleet(3)
		if got := subset(t, set, n, "client"); !slices.Equal(got, set) {
			t.Errorf("n=%d: got %s", n, written(got))
		}
	}
	if got := subset(t, nil, 3, "client"); len(got) != 0 {
		t.Errorf("of none: got %s", written(got))
	}
}

func TestSubsetFollowsItsSource(t *testing.T) {
	play(t, func(a, _, _ sd.Instancer) sd.Instancer { return sd.Subset(a, 2, "client") }, []step{
		{"a: a", "[a]"},
		{"a! down", "!down"},
		{"a: a b", "[a b]"},
		{"a:", "[]"},
	})
}

// Churn changes at most one member per instance that comes or goes, and none if
// the one that goes was not a member.
func TestSubsetIsStableUnderChurn(t *testing.T) {
	const n = 10
	set := fleet(60)
	for c := range 40 {
		client := fmt.Sprint("client-", c)
		whole := subset(t, set, n, client)
		if len(whole) != n {
			t.Fatalf("%d members, want %d", len(whole), n)
		}
		for i, gone := range set {
			// Read backwards this is the arrival of an instance.
			rest := subset(t, slices.Delete(slices.Clone(set), i, i+1), n, client)
			lost := minus(whole, rest)
			switch member := slices.Contains(whole, gone); {
			case len(rest) != n:
				t.Fatalf("%d members, want %d", len(rest), n)
			case member && (len(lost) != 1 || lost[0] != gone):
				t.Fatalf("%s went and the subset lost %s", gone.ID, written(lost))
			case !member && len(lost) != 0:
				t.Fatalf("%s, no member, went and the subset lost %s", gone.ID, written(lost))
			}
		}
	}
}

// Over many clients each instance is chosen binomially often: the mean square
// deviation matches, and no instance is more than five standard deviations off.
func TestSubsetIsBalanced(t *testing.T) {
	const clients, n = 4000, 10
	for _, size := range []int{20, 100, 300} {
		set := fleet(size)
		chosen := map[string]int{}
		for c := range clients {
			for _, in := range subset(t, set, n, fmt.Sprintf("pod-%d", c)) {
				chosen[in.ID]++
			}
		}
		p := float64(n) / float64(size)
		mean, variance := clients*p, clients*p*(1-p)
		sum := 0.0
		for _, in := range set {
			d := float64(chosen[in.ID]) - mean
			sum += d * d
			if math.Abs(d) > 5*math.Sqrt(variance) {
				t.Errorf("%d instances: %s was chosen %d times, the mean is %v", size, in.ID, chosen[in.ID], mean)
			}
		}
		if got := sum / float64(size) / variance; got < 0.3 || got > 2 {
			t.Errorf("%d instances: the variance is %.2f times that of random choice", size, got)
		}
	}
}

// Clients that share one member must not for that reason share the next.
func TestSubsetsOfClientsAreIndependent(t *testing.T) {
	const clients, n, size = 200, 5, 50
	set := fleet(size)
	members := make([][]*sd.Instance, clients)
	for c := range clients {
		members[c] = subset(t, set, n, fmt.Sprintf("pod-%d", c))
	}
	shared := 0
	for i := range clients {
		for j := range i {
			shared += n - len(minus(members[i], members[j]))
		}
	}
	pairs := float64(clients * (clients - 1) / 2)
	if got, want := float64(shared)/pairs, float64(n*n)/size; math.Abs(got-want) > 0.05 {
		t.Errorf("two clients share %.3f members on average, chance is %.3f", got, want)
	}
}

func FuzzSubset(f *testing.F) {
	f.Add("client", 3, uint8(10), uint8(4))
	f.Add("", 1, uint8(1), uint8(0))
	f.Add("c\x00d", 100, uint8(200), uint8(199))
	f.Fuzz(func(t *testing.T, client string, n int, size, gone uint8) {
		if n <= 0 || client == "" {
			return
		}
		set := fleet(int(size))
		got := subset(t, set, n, client)
		if len(got) != min(n, len(set)) {
			t.Fatalf("%d members of %d instances, want %d", len(got), len(set), n)
		}
		if size == 0 {
			return
		}
		i := int(gone) % len(set)
		rest := subset(t, slices.Delete(slices.Clone(set), i, i+1), n, client)
		if lost := minus(got, rest); len(lost) > 1 || len(lost) == 1 && lost[0] != set[i] {
			t.Fatalf("%s went and the subset lost %s", set[i].ID, written(lost))
		}
	})
}

// minus returns the members of a that b lacks.
func minus(a, b []*sd.Instance) []*sd.Instance {
	return slices.DeleteFunc(slices.Clone(a), func(in *sd.Instance) bool { return slices.Contains(b, in) })
}

func BenchmarkSubset(b *testing.B) {
	in := sd.Subset(fixed(fleet(10_000)), 20, "client")
	b.ReportAllocs()
	for b.Loop() {
		first(b, in)
	}
}
