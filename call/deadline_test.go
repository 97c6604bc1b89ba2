package call_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
)

func TestExtractNumbers(t *testing.T) {
	for _, tt := range []struct {
		text    string
		timeout time.Duration // -1 for none
		retries int
	}{
		{"", -1, 0},
		{"0", 0, 0},
		{"1", time.Millisecond, 1},
		{"007", 7 * time.Millisecond, 7},
		{"999", 999 * time.Millisecond, 999},
		{"1000", time.Second, 0},
		{"86400001", call.MaxTimeout, 0},
		{"9223372036854775807", call.MaxTimeout, 0},
		{"18446744073709551616", -1, 0},
		{strings.Repeat("9", 1<<20), -1, 0},
		{"-1", -1, 0},
		{"+1", -1, 0},
		{"1.5", -1, 0},
		{"1e3", -1, 0},
		{"0x10", -1, 0},
		{"1_0", -1, 0},
		{" 1", -1, 0},
		{"1s", -1, 0},
		{"٣", -1, 0},
		{"NaN", -1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := extract(t, &call.Propagator{}, header{call.TimeoutKey: {tt.text}, call.RetriesKey: {tt.text}})
			got := time.Duration(-1)
			if deadline, ok := ctx.Deadline(); ok {
				got = time.Until(deadline)
			}
			if got != tt.timeout {
				t.Errorf("timeout %.30q: got %v, want %v", tt.text, got, tt.timeout)
			}
			if c.Retries() != tt.retries {
				t.Errorf("retries %.30q: got %d, want %d", tt.text, c.Retries(), tt.retries)
			}
		})
	}
}

func TestDeadlineShrinksOverHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p call.Propagator
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		for hop, want := range []string{"100", "70", "40", "10", "0"} {
			out := header{}
			p.Inject(ctx, out)
			if got := out.Get(call.TimeoutKey); got != want {
				t.Errorf("hop %d: %q is left, want %q", hop, got, want)
			}
			received, cancel := p.Extract(t.Context(), out)
			defer cancel()
			if ctx = received; want == "0" && ctx.Err() != context.DeadlineExceeded {
				t.Errorf("a call whose deadline has passed is begun: %v", ctx.Err())
			}
			time.Sleep(30 * time.Millisecond)
		}
	})
}

func TestDeadlineOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]string{
			-time.Hour: "0", 1: "1", time.Millisecond: "1", time.Millisecond + 1: "2", time.Second: "1000",
			call.MaxTimeout: "86400000", 1000 * time.Hour: "86400000", 1<<63 - 1: "86400000",
		} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			out := header{}
			new(call.Propagator).Inject(ctx, out)
			cancel()
			if got := out.Get(call.TimeoutKey); got != want {
				t.Errorf("%v is sent as %q, want %q", left, got, want)
			}
		}
	})
}

// An incoming deadline never extends the one the server has set.
func TestExtractKeepsTheEarlierDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want, _ := ctx.Deadline()
	got, release := new(call.Propagator).Extract(ctx, header{call.TimeoutKey: {"3600000"}})
	defer release()
	if deadline, _ := got.Deadline(); !deadline.Equal(want) {
		t.Errorf("the deadline moved by %v", deadline.Sub(want))
	}
	if release(); got.Err() != context.Canceled {
		t.Error("the function does not release the timer")
	}
}
