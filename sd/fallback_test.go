package sd_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func fallback2(a, b, _ sd.Instancer) sd.Instancer {
	return sd.Fallback(a, b, sd.FallbackAfter(2*time.Second))
}

func TestFallback(t *testing.T) {
	tests := map[string][]step{
		"the primary serves while it has instances": {
			{"b: s", ""},
			{"a: p", "[p]"},
			{"b: s t", ""},
			{"a! down", "!down"}, // its last set stands
			{"wait 1h", ""},
			{"a: p q", "[p q]"},
		},
		"the secondary serves while the primary is empty": {
			{"a: p", "[p]"},
			{"b: s", ""},
			{"a:", "[s]"},
			{"b: s t", "[s t]"},
			{"a: p", "[p]"},
			{"b:", ""},
			{"a:", "[]"},
			{"b: s", "[s]"},
		},
		"an unknown primary is waited for": {
			{"b: s", ""},
			{"wait 1999ms", ""},
			{"wait 1ms", "[s]"},
			{"a: p", "[p]"},
		},
		"a primary in error is waited for too": {
			{"b: s", ""},
			{"a! down", "!down"},
			{"wait 2s", "[s] !down"},
			{"a! down", "!down"},
			{"b: s t", "[s t] !down"},
			{"a: p", "[p]"},
		},
		"the secondary is known after the bound": {
			{"wait 1h", ""},
			{"b: s", "[s]"},
		},
		"a primary that empties is not waited for": {
			{"a: p", "[p]"},
			{"a:", "[]"}, // the secondary had all the time
			{"b: s", "[s]"},
		},
		"an empty primary waits for the secondary at the start": {
			{"a:", ""},
			{"wait 1s", ""},
			{"b: s", "[s]"},
		},
		"an empty primary does not wait for ever": {
			{"a:", ""},
			{"b! down", "!down"},
			{"wait 2s", "[] !down"},
			{"b! down", "!down"},
		},
		"an empty secondary does not answer for an unknown primary": {
			{"b:", ""},
			{"wait 1h", ""},
			{"a:", "[]"},
		},
		"the bound yields nothing again": {
			{"a: p", "[p]"},
			{"b: s", ""},
			{"a! down", "!down"},
			{"wait 1h", ""},
		},
		"both in error": {
			{"a: p", "[p]"},
			{"b! out", "!out"},
			{"a! down", "!down"},
			{"a: p", "[p] !out"},
			{"b: s", "[p]"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) { play(t, fallback2, steps) })
	}
}

func TestFallbackAfterZero(t *testing.T) {
	play(t, func(a, b, _ sd.Instancer) sd.Instancer { return sd.Fallback(a, b, sd.FallbackAfter(0)) },
		[]step{{"b: s", "[s]"}, {"a: p", "[p]"}})
}

func TestFallbackDefault(t *testing.T) {
	play(t, func(a, b, _ sd.Instancer) sd.Instancer { return sd.Fallback(a, b) },
		[]step{{"b: s", ""}, {"wait 1999ms", ""}, {"wait 1ms", "[s]"}})
}
