package consul_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
)

// TestCost measures the queries that one client makes, which is what N clients cost
// divided by N.
func TestCost(t *testing.T) {
	flap := func(n uint64) string { return list(entry("a", "h", fmt.Sprint(80+n%2))) }
	same := func(uint64) string { return list(entry("a", "h", "80")) }
	tests := map[string]struct {
		every    time.Duration
		body     func(n uint64) string
		min, max int // queries in a minute
		yields   int // at most
	}{
		"steady":                         {0, same, 2, 3, 1},
		"one change a minute":            {45 * time.Second, flap, 3, 4, 2},
		"one instance flaps every 10 ms": {10 * time.Millisecond, flap, 90, 190, 190},
		"one instance flaps every 5 s":   {5 * time.Second, flap, 12, 13, 13},
		"others bump the index":          {10 * time.Millisecond, same, 90, 190, 1},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				agent := newCatalog(c.body(0))
				events := watch(ctx, instancer(t, handler(agent.serve)))
				for n := uint64(1); c.every > 0 && ctx.Err() == nil; n++ {
					time.Sleep(c.every)
					agent.set(10+n, c.body(n), nil)
				}
				<-ctx.Done()
				synctest.Wait()
				sets := 0
				for range events {
					sets++
				}
				queries := len(agent.all())
				t.Logf("%d queries and %d sets a minute", queries, sets)
				if queries < c.min || queries > c.max || sets > c.yields {
					t.Errorf("%d queries and %d sets a minute; want %d to %d, and %d at most", queries, sets, c.min, c.max, c.yields)
				}
			})
		})
	}
}

// TestOneChangeIsSeenAtOnce: the pace must not delay what comes now and then.
func TestOneChangeIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		agent := newCatalog("[]")
		events := watch(ctx, instancer(t, handler(agent.serve)))
		<-events
		for n := range uint64(20) {
			time.Sleep(1500 * time.Millisecond)
			start := time.Now()
			agent.set(11+n, list(entry("a", "h", fmt.Sprint(80+n))), nil)
			<-events
			if d := time.Since(start); d > 0 {
				t.Errorf("change %d is seen after %v", n+1, d)
			}
		}
	})
}

// TestReturnOfConsul: all clients lose their queries at one moment. However short the
// outage, they come back within the cap, and not together.
func TestReturnOfConsul(t *testing.T) {
	for name, outage := range map[string]time.Duration{"a blip": 0, "a second": time.Second, "a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { returnOfConsul(t, outage) })
		})
	}
}

func returnOfConsul(t *testing.T, outage time.Duration) {
	const clients, most = 500, 100 // in a tenth of a second; 31 are to be expected, and one time in 10⁸ more than 65
	ctx, cancel := context.WithCancel(t.Context())
	agent := newCatalog(list(entry("a", "h", "80")))
	i := instancer(t, handler(agent.serve))
	for range clients {
		go func() {
			for range i.Watch(ctx) {
			}
		}()
	}
	synctest.Wait()
	quiet := len(agent.all())
	agent.set(10, "", errDown)
	synctest.Wait()
	time.Sleep(outage)
	before := len(agent.all())
	agent.set(5, list(entry("a", "h", "80")), nil)
	restored := time.Now()
	time.Sleep(10 * time.Second)
	cancel()
	synctest.Wait()
	var last time.Duration
	busiest, tenths := 0, map[time.Duration]int{}
	reads, second := 0, 0
	for _, q := range agent.all()[before:] {
		if q.query.Has("index") {
			continue
		}
		reads++
		d := q.at.Sub(restored)
		if d < time.Second {
			second++
		}
		last = max(last, d)
		tenths[d/(100*time.Millisecond)]++
		busiest = max(busiest, tenths[d/(100*time.Millisecond)])
	}
	t.Logf("%d clients read %d times, %d in the first second, the last after %v, at most %d in a tenth of a second",
		clients, reads, second, last, busiest)
	if outage > 0 {
		t.Logf("in the outage they asked %.0f times a second", float64(before-quiet)/outage.Seconds())
	}
	if reads != clients || last > 5*time.Second || busiest > most || second > clients*8/10 {
		t.Errorf("they read %d times, %d in the first second, the last after %v, %d in the busiest tenth of a second; want %d, %d, 5s, %d",
			reads, second, last, busiest, clients, clients*8/10, most)
	}
}

func TestWatchBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := newCatalog("")
		agent.set(1, "", errDown)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for range instancer(t, handler(agent.serve), consul.WatchBackoff(sd.Backoff{Base: time.Minute, Cap: time.Minute})).Watch(ctx) {
		}
		if n := len(agent.all()); n < 80 || n > 170 {
			t.Errorf("in an hour it tried %d times; want about 120", n)
		}
	})
}
