package sd_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestBackoffBounds(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	for _, c := range []struct {
		backoff sd.Backoff
		n       int
		bound   time.Duration
	}{
		{sd.Backoff{}, 1, 100 * time.Millisecond},
		{sd.Backoff{}, 2, 200 * time.Millisecond},
		{sd.Backoff{}, 7, 6400 * time.Millisecond},
		{sd.Backoff{}, 8, 10 * time.Second},
		{sd.Backoff{}, math.MaxInt, 10 * time.Second},
		{sd.Backoff{}, 0, 100 * time.Millisecond},
		{sd.Backoff{}, math.MinInt, 100 * time.Millisecond},
		{sd.Backoff{Base: -1, Cap: -1}, 99, 10 * time.Second},
		{sd.Backoff{Base: time.Second, Cap: 3 * time.Second}, 2, 2 * time.Second},
		{sd.Backoff{Base: time.Second, Cap: 3 * time.Second}, 3, 3 * time.Second},
		{sd.Backoff{Base: time.Hour, Cap: time.Second}, 1, time.Second},
		{sd.Backoff{Base: 1, Cap: 1}, 5, 1},
		// Twice the bound overflows before the cap is reached.
		{sd.Backoff{Base: 1<<62 + 1, Cap: forever}, 2, forever},
		{sd.Backoff{Base: 3, Cap: forever}, math.MaxInt, forever},
	} {
		const samples = 500
		var longest time.Duration
		lower := 0
		for range samples {
			d := c.backoff.Delay(c.n)
			if d <= 0 || d > c.bound {
				t.Fatalf("%+v: Delay(%d) is %v; want more than 0 and at most %v", c.backoff, c.n, d, c.bound)
			}
			longest = max(longest, d)
			if d <= c.bound/2 {
				lower++
			}
		}
		// Full jitter: half of the delays are in either half, at the cap too. The
		// chance of fewer than a third is below one in 10¹³.
		if c.bound > 100 && (lower < samples/3 || lower > samples*2/3 || longest < c.bound*9/10) {
			t.Errorf("%+v: of %d delays after %d failures %d are at most half of %v, and the longest is %v",
				c.backoff, samples, c.n, lower, c.bound, longest)
		}
	}
}

func TestBackoffWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sd.Backoff{Base: time.Minute, Cap: time.Minute}
		start := time.Now()
		if err := b.Wait(t.Context(), 1); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d <= 0 || d > time.Minute {
			t.Errorf("it waited for %v; want at most a minute", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start = time.Now()
		if err := b.Wait(ctx, 1); !errors.Is(err, context.Canceled) || time.Since(start) > 0 {
			t.Errorf("it waited for %v and returns %v; want context.Canceled at once", time.Since(start), err)
		}
	})
}
