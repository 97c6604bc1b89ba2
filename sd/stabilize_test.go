package sd_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func stable(a, _, _ sd.Instancer) sd.Instancer {
	return sd.Stabilize(a, sd.StabilizeGrace(30*time.Second), sd.StabilizeEmpty(5*time.Minute))
}

func TestStabilize(t *testing.T) {
	tests := map[string][]step{
		"a source without trouble is believed": {
			{"a: x y z", "[x y z]"},
			{"a: x z*2", "[x z*2]"},
			{"wait 1h", ""},
		},
		"removals after an error wait for the grace period": {
			{"a: x y z", "[x y z]"},
			{"a! down", "!down"},
			{"wait 1h", ""},
			{"a: x", "[x y z]"}, // the first good set after the error
			{"wait 29999ms", ""},
			{"wait 1ms", "[x]"},
			{"a:", ""}, // and empty is another matter
		},
		"the grace period begins anew with each error": {
			{"a: x y", "[x y]"},
			{"a! down", "!down"},
			{"a: x", "[x y]"},
			{"wait 20s", ""},
			{"a! down", "!down"},
			{"wait 1h", ""},
			{"a: x", "[x y]"},
			{"wait 20s", ""},
			{"a: x", ""}, // a good set does not
			{"wait 10s", "[x]"},
		},
		"additions and changes pass at once": {
			{"a: x y", "[x y]"},
			{"a! down", "!down"},
			{"a: w x*5", "[w x*5 y]"},
			{"a: v x*6", "[v w x*6 y]"}, // w is held as well
			{"a: v x*6 y", ""},          // y is back
			{"wait 30s", "[v x*6 y]"},
		},
		"who was replaced at its address is not held": {
			{"a: x y@h", "[x y@h]"},
			{"a! down", "!down"},
			{"a: z@h", "[x z@h]"},
			{"wait 30s", "[z@h]"},
		},
		"an empty set is held off until it expires": {
			{"a: x y", "[x y]"},
			{"a:", ""},
			{"wait 299999ms", ""},
			{"wait 1ms", "[]"},
			{"a: x", "[x]"},
			{"a:", ""}, // protected again
			{"wait 5m", "[]"},
			{"a: x y", "[x y]"},
			{"a: x", "[x]"}, // who was believed to be empty is believed in this too
		},
		"an empty set at the start is what it is": {
			{"a:", "[]"},
			{"a: x", "[x]"},
		},
		"who fills up again after emptiness is not believed at once": {
			{"a: x y z", "[x y z]"},
			{"a:", ""},
			{"wait 10s", ""},
			{"a: x", ""},
			{"a: w x", "[w x y z]"},
			{"wait 30s", "[w x]"},
		},
		"emptiness counts from its begin, over errors": {
			{"a: x", "[x]"},
			{"a:", ""},
			{"wait 4m", ""},
			{"a! down", "!down"},
			{"wait 4m", ""}, // in error nothing expires
			{"a:", "[x]"},
			{"wait 29s", ""}, // and then the grace period
			{"wait 1s", "[]"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) { play(t, stable, steps) })
	}
}

func TestStabilizeDefaults(t *testing.T) {
	play(t, func(a, _, _ sd.Instancer) sd.Instancer { return sd.Stabilize(a) }, []step{
		{"a: x y", "[x y]"},
		{"a! down", "!down"},
		{"a: x", "[x y]"},
		{"wait 30s", "[x]"},
		{"a:", ""},
		{"wait 299s", ""},
		{"wait 1s", "[]"},
	})
}

// What falls due while the consumer is busy is due when it comes back.
func TestStabilizeExpiryOfABusyConsumer(t *testing.T) {
	play(t, stable, []step{
		{"a: x y", "[x y]"},
		{"hold", ""},
		{"a! down", "!down"},
		{"a: x", ""},
		{"wait 1m", ""},
		{"free", "[x y]"},
		{"wait 30s", "[x]"},
	})
}

// An error that a set ended while the consumer was busy is an error all the same.
func TestStabilizeHearsAnErrorThatIsOver(t *testing.T) {
	play(t, stable, []step{
		{"a: x y", "[x y]"},
		{"hold", ""},
		{"a: x*2 y", "[x*2 y]"},
		{"a! down", ""},
		{"a: x*2", ""},
		{"free", "!down [x*2 y]"},
		{"wait 30s", "[x*2]"},
	})
}

// Nor does a busy consumer lose that the source was empty in between: who fills up
// again after that is not believed at once.
func TestStabilizeHearsAnEmptinessThatIsOver(t *testing.T) {
	play(t, stable, []step{
		{"a: x y z", "[x y z]"},
		{"hold", ""},
		{"a: x*2 y z", "[x*2 y z]"},
		{"a:", ""},
		{"a: w", ""},
		{"free", "[w x*2 y z]"},
		{"wait 30s", "[w]"},
	})
	// Where an empty set is believed at once, so is what comes after it.
	play(t, func(a, _, _ sd.Instancer) sd.Instancer { return sd.Stabilize(a, sd.StabilizeEmpty(0)) }, []step{
		{"a: x y z", "[x y z]"},
		{"hold", ""},
		{"a: x*2 y z", "[x*2 y z]"},
		{"a:", ""},
		{"a: w", ""},
		{"free", "[w]"},
	})
}
