package sd_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/dowelkit/dowel/sd"
)

func merge3(a, b, c sd.Instancer) sd.Instancer { return sd.Merge(a, b, c) }

func TestMerge(t *testing.T) {
	tests := map[string][]step{
		"an unknown source holds nobody up": {
			{"b: x", "[x]"},
			{"a: w", "[w x]"},
			{"c: y z", "[w x y z]"},
			{"b:", "[w y z]"},
		},
		"of duplicates the first source wins": {
			{"b: x@b y", "[x@b y]"},
			{"c: x@c z", "[x@b y z]"},
			{"a: x@a", "[x@a y z]"},
			{"b: x@b2 y", ""},
			{"a:", "[x@b2 y z]"},
			{"b:", "[x@c z]"},
		},
		"an equal duplicate takes over unseen": {
			{"a: x", "[x]"},
			{"b: x", ""},
			{"a:", ""},
			{"c: x y", "[x y]"},
		},
		"empty is not yielded first while one is unknown": {
			{"a:", ""},
			{"b! down", "!down"},
			{"c:", ""},
			{"b:", "[]"},
		},
		"empty is yielded while one is unknown if it was not before": {
			{"a: x", "[x]"},
			{"a:", "[]"},
		},
		"the last known set of a failed source stands": {
			{"a: x", "[x]"},
			{"b: y", "[x y]"},
			{"b! down", "!down"},
			{"a: w x", "[w x y] !down"}, // b is still in error
			{"a! out", "!out"},
			{"a: w x", "[w x y] !down"},
			{"b: y", "[w x y]"},
			{"b: y", ""},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) { play(t, merge3, steps) })
	}
}

func TestMergeForwardsThePanicOfAny(t *testing.T) {
	play(t, merge3, []step{{"a: x", "[x]"}, {"c: y", "[x y]"}, {"c panics", "panic: boom"}})
}

func TestMergeOfNothingIsEmpty(t *testing.T) {
	play(t, func(_, _, _ sd.Instancer) sd.Instancer { return sd.Merge() }, []step{{"wait 1s", "[]"}, {"wait 1h", ""}})
}

func TestMergeOwnsItsSources(t *testing.T) {
	play(t, func(a, b, _ sd.Instancer) sd.Instancer {
		sources := []sd.Instancer{a}
		m := sd.Merge(sources...)
		sources[0] = b
		return m
	}, []step{{"b: y", ""}, {"a: x", "[x]"}})
}

// Merge is the union of maps, the first winning, and so it is associative and
// idempotent; Filter by true is the identity, and Filter goes through Merge.
func TestMergeLaws(t *testing.T) {
	keep := func(in *sd.Instance) bool { return in.ID != "b" && in.ID != "e" }
	all := func(*sd.Instance) bool { return true }
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		synctest.Test(t, func(t *testing.T) {
			a, b, c := newFeed(), newFeed(), newFeed()
			plain := record(t, sd.Merge(a, b, c))
			same := map[string]*tape{
				"left":     record(t, sd.Merge(sd.Merge(a, b), c)),
				"right":    record(t, sd.Merge(a, sd.Merge(b, c))),
				"doubled":  record(t, sd.Merge(a, b, c, b, a)),
				"identity": record(t, sd.Filter(sd.Merge(a, b, c), all)),
			}
			outside := record(t, sd.Filter(sd.Merge(a, b, c), keep))
			inside := record(t, sd.Merge(sd.Filter(a, keep), sd.Filter(b, keep), sd.Filter(c, keep)))
			for i, f := range []*feed{a, b, c} {
				f.say(names(rnd, "abc"[i:i+1])...)
			}
			for range 6 {
				k := rnd.IntN(3)
				[]*feed{a, b, c}[k].say(names(rnd, "abc"[k:k+1])...)
				want := map[string]string{}
				for _, f := range []*feed{c, b, a} {
					for _, in := range f.set {
						want[in.ID] = in.Addr
					}
				}
				synctest.Wait()
				if got := content(plain); !maps.Equal(got, want) {
					t.Fatalf("seed %d: got %v, want %v", seed, got, want)
				}
				for law, tp := range same {
					if got := content(tp); !maps.Equal(got, want) {
						t.Errorf("seed %d: %s: got %v, want %v", seed, law, got, want)
					}
				}
				if out, in := content(outside), content(inside); !maps.Equal(out, in) {
					t.Errorf("seed %d: filter outside %v, inside %v", seed, out, in)
				}
			}
		})
	}
}

// content is the newest set of a tape.
func content(tp *tape) map[string]string {
	got := map[string]string{}
	for _, in := range tp.last {
		got[in.ID] = in.Addr
	}
	return got
}

func names(rnd *rand.Rand, host string) []string {
	var some []string
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		if rnd.IntN(2) == 0 {
			some = append(some, id+"@"+host)
		}
	}
	rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return slices.Clip(some)
}
