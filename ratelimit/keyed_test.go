package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

// once gives each key a single permit, and no more.
func once(string) ratelimit.Limiter { return rate.NewLimiter(0, 1) }

// from calls e as that caller and reports whether it was let through.
func from(t *testing.T, e endpoint.Endpoint[string, string], caller string) bool {
	t.Helper()
	_, err := e(call.With(t.Context(), call.Caller(caller)), "")
	if err != nil {
		refusal(t, err)
	}
	return err == nil
}

func TestPerKey(t *testing.T) {
	var stats ratelimit.Stats
	keyed := ratelimit.NewKeyed(once)
	a := ratelimit.PerKey(echo, keyed, ratelimit.CountIn(&stats))
	b := ratelimit.PerKey(echo, keyed, ratelimit.CountIn(&stats))
	for _, tt := range []struct {
		endpoint endpoint.Endpoint[string, string]
		caller   string
		want     bool
	}{
		{a, "ann", true}, {a, "ann", false}, {b, "ann", false},
		{b, "bob", true}, {a, "bob", false}, {a, "", true}, {a, "", false},
	} {
		if got := from(t, tt.endpoint, tt.caller); got != tt.want {
			t.Errorf("caller %q: let through %t, want %t", tt.caller, got, tt.want)
		}
	}
	if a, r, n := stats.Admitted(), stats.Refused(), keyed.Len(); a != 3 || r != 4 || n != 3 {
		t.Errorf("%d admitted, %d refused, %d keys, want 3, 4 and 3", a, r, n)
	}
}

func TestKeyedLimiterOfTheKey(t *testing.T) {
	keyed := ratelimit.NewKeyed(func(key string) ratelimit.Limiter {
		return rate.NewLimiter(0, len(key))
	}, ratelimit.KeyFunc(func(ctx context.Context) string { return call.From(ctx).Value("tenant") }))
	limited := ratelimit.PerKey(echo, keyed)
	ctx := call.With(t.Context(), call.Value("tenant", "xyz"))
	for i := range 5 {
		if _, err := limited(ctx, ""); (err == nil) != (i < 3) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

// A key of any length comes to the function for limiters as it is.
func TestKeyedLimiterGetsTheKeyItself(t *testing.T) {
	for _, want := range []string{"", "short", strings.Repeat("é", 63), strings.Repeat("x", 128), strings.Repeat("long", 1000)} {
		got := "none"
		keyed := ratelimit.NewKeyed(func(key string) ratelimit.Limiter {
			got = key
			return rate.NewLimiter(1, 1)
		})
		from(t, ratelimit.PerKey(echo, keyed), want)
		if got != want {
			t.Errorf("the limiter of %.20q (%d bytes) is made for %.20q (%d bytes)", want, len(want), got, len(got))
		}
	}
}

func TestKeyedForgetsTheLeastRecentlyUsed(t *testing.T) {
	keyed := ratelimit.NewKeyed(once, ratelimit.MaxKeys(3))
	limited := ratelimit.PerKey(echo, keyed)
	for _, tt := range []struct {
		caller string
		want   bool
	}{
		{"a", true}, {"b", true}, {"c", true}, {"a", false}, // a is the latest, b the oldest
		{"d", true}, // in the place of b
		{"a", false}, {"c", false}, {"d", false},
		{"b", true}, // a full burst again, in the place of a
		{"c", false}, {"d", false}, {"a", true},
	} {
		if got := from(t, limited, tt.caller); got != tt.want {
			t.Errorf("caller %q: let through %t, want %t", tt.caller, got, tt.want)
		}
	}
	if keyed.Len() != 3 || keyed.Evictions() != 3 {
		t.Errorf("%d keys, %d evictions, want 3 and 3", keyed.Len(), keyed.Evictions())
	}
}

// An attacker with many keys cannot use up the memory, nor free an active caller
// of its limit.
func TestKeyedUnderAttack(t *testing.T) {
	for _, maxKeys := range []int{100, 2047, 2048} {
		keyed := ratelimit.NewKeyed(once, ratelimit.MaxKeys(maxKeys))
		limited := ratelimit.PerKey(echo, keyed)
		from(t, limited, "active")
		for i := range 2 * maxKeys {
			from(t, limited, fmt.Sprint("made up ", i))
			if i%50 == 0 && from(t, limited, "active") {
				t.Fatalf("%d keys: the active caller was freed of its limit after %d", maxKeys, i)
			}
		}
		if n := keyed.Len(); n > maxKeys || n < maxKeys*9/10 {
			t.Errorf("%d keys held, want at most %d and nearly as many", n, maxKeys)
		}
		if got, want := int(keyed.Evictions()), 2*maxKeys+1-keyed.Len(); got != want {
			t.Errorf("%d evictions, want %d", got, want)
		}
	}
}

func TestKeyedBelowTheBoundForgetsNobody(t *testing.T) {
	keyed := ratelimit.NewKeyed(once, ratelimit.MaxKeys(10_000))
	limited := ratelimit.PerKey(echo, keyed)
	for i := range 8500 {
		from(t, limited, fmt.Sprint(i))
	}
	if n := keyed.Evictions(); n != 0 {
		t.Errorf("%d of 8,500 keys forgotten at a bound of 10,000", n)
	}
}

func TestKeyedIdleExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keyed := ratelimit.NewKeyed(once, ratelimit.IdleExpiry(time.Minute))
		limited := ratelimit.PerKey(echo, keyed)
		from(t, limited, "idle")
		for i := range 10 {
			if from(t, limited, "busy") != (i == 0) {
				t.Errorf("call %d: the busy caller was forgotten", i)
			}
			time.Sleep(59 * time.Second)
		}
		if keyed.Len() != 1 {
			t.Errorf("%d keys held, want 1: the idle one is to be forgotten", keyed.Len())
		}
		time.Sleep(2 * time.Second)
		if !from(t, limited, "busy") {
			t.Error("the busy one is not forgotten after a minute")
		}
		if keyed.Evictions() != 0 {
			t.Error("idleness counted as eviction")
		}
	})
}

// Long keys cost no more memory than short ones, and are still told apart.
func TestKeyedLongKeys(t *testing.T) {
	limited := ratelimit.PerKey(echo, ratelimit.NewKeyed(once))
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		caller string
		want   bool
	}{{long, true}, {long + "y", true}, {long, false}, {long[:128], true}, {long[:127], true}, {long[:128], false}} {
		if got := from(t, limited, tt.caller); got != tt.want {
			t.Errorf("key of %d bytes: let through %t, want %t", len(tt.caller), got, tt.want)
		}
	}
}

func TestKeyedLongKeysTakeLittleMemory(t *testing.T) {
	limited := ratelimit.PerKey(echo, ratelimit.NewKeyed(once))
	before := heap()
	for i := range 32 {
		from(t, limited, strings.Repeat("x", 1<<20)+fmt.Sprint(i))
		from(t, limited, (fmt.Sprint(i) + strings.Repeat("y", 1<<20))[:5]) // a part of a large string
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("64 keys hold %d bytes", grown)
	}
	from(t, limited, "")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestKeyedQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keyed := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter { return empty(rate.NewLimiter(10, 1)) }, ratelimit.MaxKeys(2))
		waiting := ratelimit.PerKey(echo, keyed)
		crowds := map[string]*crowd{"a": newCrowd(t), "b": newCrowd(t)}
		for i := range 5 {
			for caller, c := range crowds {
				c.join(call.With(t.Context(), call.Caller(caller)), i, waiting)
			}
		}
		late, cancel := context.WithTimeout(call.With(t.Context(), call.Caller("a")), 600*time.Millisecond)
		defer cancel()
		if _, err := waiting(late, ""); !errors.Is(err, ratelimit.ErrLimited) {
			t.Errorf("got %v, want ErrLimited", err)
		}
		newCrowd(t).join(call.With(t.Context(), call.Caller("c")), 0, waiting) // "a" or "b" is forgotten
		for _, c := range crowds {
			c.evenly(10, []int{0, 1, 2, 3, 4})
		}
	})
}

// A line that is longer than the expiry is in use until its end.
func TestKeyedQueueIsNotIdleWhileItIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keyed := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter { return empty(rate.NewLimiter(1, 1)) },
			ratelimit.IdleExpiry(3*time.Second))
		waiting := ratelimit.PerKey(echo, keyed)
		ctx := call.With(t.Context(), call.Caller("a"))
		c := newCrowd(t)
		var want []int
		for i := range 10 {
			c.join(ctx, i, waiting)
			want = append(want, i)
		}
		time.Sleep(8500 * time.Millisecond)
		c.join(ctx, 10, waiting)
		c.evenly(1, append(want, 10))
		time.Sleep(3*time.Second + 1)
		if keyed.Len() != 0 {
			t.Error("the key is not forgotten once nobody waits")
		}
	})
}

type waiterFunc func(ctx context.Context) error

func (f waiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// What a key has may be of a type that cannot be compared.
func TestKeyedQueueOfAnotherMake(t *testing.T) {
	keyed := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter {
		return waiterFunc(func(context.Context) error { return nil })
	})
	if !from(t, ratelimit.PerKey(echo, keyed), "a") {
		t.Error("refused")
	}
}

func TestKeyedConcurrentSafe(t *testing.T) {
	var made atomic.Int64
	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter {
		made.Add(1)
		return rate.NewLimiter(0, 10)
	}, ratelimit.MaxKeys(4096), ratelimit.IdleExpiry(time.Hour))
	var stats ratelimit.Stats
	limited := ratelimit.PerKey(echo, keyed, ratelimit.CountIn(&stats))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				from(t, limited, fmt.Sprint(i%50))
				_ = keyed.Len() + int(keyed.Evictions())
			}
		})
	}
	wg.Wait()
	if made.Load() != 50 || stats.Admitted() != 500 {
		t.Errorf("%d limiters made, %d calls admitted, want 50 and 500", made.Load(), stats.Admitted())
	}
}
