package sd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
)

func TestHealthCheckKeepsAllWhenAllFail(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("x", "y")
		settle()
		expect(t, tp, "[x y]")
		w.set("x", "y")
		rounds(3)
		// Whichever of the two fails first is out for that moment.
		if got := tp.take(); !slices.Contains([]string{"[y] [x y]", "[x] [x y]", ""}, got) {
			t.Errorf("got %q", got)
		}
		f.say("x", "y", "z")
		expect(t, tp, "[x y z]")
		settle()
		expect(t, tp, "[z]")
	})
}

func TestHealthPanicThreshold(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthPanicThreshold(0.5)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("a", "b", "c", "d")
		settle()
		expect(t, tp, "[a b c d]")
		for _, s := range []struct{ ill, want string }{
			{"a", "[b c d]"},
			{"a b", "[c d]"}, // one half is not below it
			{"a b c", "[a b c d]"},
			{"a b", "[c d]"},
		} {
			w.set(strings.Fields(s.ill)...)
			rounds(3)
			expect(t, tp, s.want)
		}
	})
}

func TestHealthCheckGoesOnInAnOutage(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("x", "y")
		settle()
		expect(t, tp, "[x y]")
		f.fail("down")
		expect(t, tp, "!down")
		rounds(6)
		expect(t, tp, "")
		w.set("x")
		rounds(3)
		expect(t, tp, "[y] !down")
		f.say("x", "y")
		expect(t, tp, "[y]")
	})
}

// In panic an instance may go up and down without a change of the set.
func TestHealthCheckDoesNotRepeatASetInAnOutage(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthPanicThreshold(1)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.set("x", "y")
		f.say("x", "y")
		settle()
		expect(t, tp, "[x y]")
		f.fail("down")
		w.set("x")
		rounds(6)
		expect(t, tp, "!down")
		if len(w.told()) != 3 {
			t.Errorf("reports %q", w.told())
		}
	})
}
