package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestCombinatorsYieldByTheLaw(t *testing.T) {
	eachCombinator(t, []step{
		{"a! down", "!down"}, // an error before anything is known
		{"a: x y", "[x y]"},
		{"a: x y", ""}, // unchanged
		{"a: x y*3", "[x y*3]"},
		{"a! down", "!down"},
		{"a! worse", "!worse"},
		{"a: x y*3", "[x y*3]"}, // unchanged, and yet the first after an error
		{"a: x y*3", ""},
		{"a:", "[]"},
		{"a: z", "[z]"},
	})
}

func TestCombinatorsRestartASourceThatEnds(t *testing.T) {
	eachCombinator(t, []step{
		{"a: x y", "[x y]"},
		{"a ends", "!ended its watch early"},
		{"wait 100ms", "[x y]"}, // from another watch; record checks the pointers
		{"a: x", "[x]"},
		{"a ends", "!ended its watch early"},
		{"wait 30s", "[x]"},
	})
}

func TestCombinatorsForwardAPanic(t *testing.T) {
	eachCombinator(t, []step{{"a: x", "[x]"}, {"a panics", "panic: boom"}})
}

func TestCombinatorsForwardGoexit(t *testing.T) {
	eachCombinator(t, []step{{"a: x", "[x]"}, {"a exits", "goexit"}})
}

func TestSlowConsumerGetsTheNewest(t *testing.T) {
	for name, combine := range combinators {
		if name == "Filter" || name == "Subset" {
			continue // without a goroutine it is the source that conflates
		}
		t.Run(name, func(t *testing.T) {
			play(t, func(a, _, _ sd.Instancer) sd.Instancer { return combine(a) }, []step{
				{"hold", ""},
				{"a: x", "[x]"},
				{"a: x y", ""},
				{"a! down", ""},
				{"a: x z", ""},
				{"wait 1h", ""},
				{"free", "!down [x z]"}, // nor a set the error that it ended
				{"hold", ""},
				{"a: w", "[w]"},
				{"a: v w", ""},
				{"a! down", ""},
				{"free", "[v w] !down"}, // an error does not swallow the set before it
			})
		})
	}
}

// The pointers of a source that was restarted are replaced in a copy: its sets are
// immutable.
func TestCombinatorsDoNotWriteToASet(t *testing.T) {
	for name, combine := range combinators {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sets, own [][]*sd.Instance
				source := sd.InstancerFunc(func(context.Context) iter.Seq2[[]*sd.Instance, error] {
					return func(yield func([]*sd.Instance, error) bool) {
						set := sd.NextSet(nil, parse("x", "y"))
						sets, own = append(sets, set), append(own, slices.Clone(set))
						yield(set, nil)
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for range combine(source).Watch(ctx) {
				}
				for i := range sets {
					if len(sets) < 2 || !slices.Equal(sets[i], own[i]) {
						t.Fatalf("set %d of %d was written to", i, len(sets))
					}
				}
			})
		})
	}
}

// A consumer that breaks off ends everything, wherever the source is.
func TestCombinatorsEndWithABreak(t *testing.T) {
	for name, combine := range combinators {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed()
				f.say("x")
				in := combine(f)
				for range 3 { // each range is a watch of its own
					for set := range in.Watch(t.Context()) {
						if got := written(set); got != "[x]" {
							t.Errorf("got %s", got)
						}
						break
					}
					if f.live != 0 {
						t.Fatal("the source is still watched after the break")
					}
				}
			})
		})
	}
}

func TestCombinatorsDoNothingUntilRanged(t *testing.T) {
	for name, combine := range combinators {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed()
				f.say("x")
				seq := combine(f).Watch(t.Context())
				synctest.Wait()
				if f.begun != 0 {
					t.Error("Watch began without a range")
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				for set, err := range combine(f).Watch(ctx) {
					t.Errorf("a watch that is over yielded %v, %v", set, err)
				}
				for range seq {
					break
				}
			})
		})
	}
}

// A panic while the source is being stopped must not get lost either.
func TestPanicDuringStop(t *testing.T) {
	for name, combine := range combinators {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
					return func(yield func([]*sd.Instance, error) bool) {
						defer panic("late")
						if yield(nil, nil) {
							<-ctx.Done()
						}
					}
				})
				defer func() {
					v := recover()
					if e, ok := v.(*sd.PanicError); ok {
						v = e.Value
					}
					if v != "late" {
						t.Errorf("recovered %v", v)
					}
				}()
				for range combine(source).Watch(t.Context()) {
					break
				}
			})
		})
	}
}

func TestPanicErrorKeepsTheSource(t *testing.T) {
	cause := errors.New("cause")
	source := sd.InstancerFunc(func(context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(func([]*sd.Instance, error) bool) { panicInSource(cause) }
	})
	defer func() {
		e, ok := recover().(*sd.PanicError)
		if !ok || !errors.Is(e, cause) {
			t.Fatalf("recovered %v", e)
		}
		if e.Value != error(cause) || !strings.Contains(string(e.Stack), "panicInSource") {
			t.Errorf("value %v, stack %s", e.Value, e.Stack)
		}
	}()
	for range sd.Share(sd.Merge(source)).Watch(t.Context()) {
	}
}

func panicInSource(err error) { panic(err) }

// A source that cannot stay is watched again at the pace of a backoff.
func TestRestartIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watches := 0
		source := sd.InstancerFunc(func(context.Context) iter.Seq2[[]*sd.Instance, error] {
			return func(yield func([]*sd.Instance, error) bool) { watches++ }
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		for range sd.Merge(source).Watch(ctx) {
		}
		// The mean delay at the cap is 5 s, so about 126 are expected.
		if watches < 70 || watches > 250 {
			t.Errorf("%d watches in 10 minutes", watches)
		}
	})
}

func TestMisuseNamesAllFaults(t *testing.T) {
	ok := sd.Merge()
	keep := func(*sd.Instance) bool { return true }
	probe := func(context.Context, *sd.Instance) error { return nil }
	tests := map[string]struct {
		make func()
		want []string
	}{
		"Filter":       {func() { sd.Filter(nil, nil) }, []string{"source is nil", "keep is nil"}},
		"nil function": {func() { sd.Filter(sd.InstancerFunc(nil), keep) }, []string{"source is nil"}},
		"Merge":        {func() { sd.Merge(nil, ok, nil) }, []string{"source 0 is nil", "source 2 is nil"}},
		"Share":        {func() { sd.Share(nil) }, []string{"source is nil"}},
		"Fallback": {func() { sd.Fallback(nil, nil, sd.FallbackAfter(-1), nil) },
			[]string{"primary is nil", "secondary is nil", "FallbackAfter", "option is nil"}},
		"Stabilize": {func() { sd.Stabilize(nil, nil, sd.StabilizeGrace(-1), sd.StabilizeEmpty(-1)) },
			[]string{"source is nil", "option is nil", "StabilizeGrace", "StabilizeEmpty"}},
		"Subset": {func() { sd.Subset(nil, 0, "") }, []string{"source is nil", "n must", "clientID"}},
		"HealthCheck": {func() {
			sd.HealthCheck(nil, nil, nil, sd.HealthInterval(0), sd.HealthTimeout(0), sd.HealthJitter(2),
				sd.HealthThresholds(0, 1), sd.HealthConcurrency(0), sd.HealthPanicThreshold(-1), sd.HealthReport(nil))
		}, []string{"source", "probe", "option is nil", "Interval", "Timeout", "Jitter", "Thresholds", "Concurrency", "PanicThreshold", "Report"}},
		"NaN":      {func() { sd.HealthCheck(ok, probe, sd.HealthJitter(nan())) }, []string{"HealthJitter"}},
		"negative": {func() { sd.Subset(ok, -1, "x") }, []string{"not -1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				missing := slices.DeleteFunc(tt.want, func(w string) bool { return strings.Contains(text, w) })
				if len(missing) > 0 {
					t.Errorf("%q does not name %q", text, missing)
				}
			}()
			tt.make()
		})
	}
}

func nan() float64 { zero := 0.0; return zero / zero }
