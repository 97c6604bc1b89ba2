package circuitbreaker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

func TestCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		c := circuitbreaker.New("db1", circuitbreaker.TripAfter(3), circuitbreaker.OpenFor(time.Minute), circuitbreaker.Probes(2),
			circuitbreaker.OnChange(func(ch circuitbreaker.Change) {
				changes = append(changes, fmt.Sprintf("%s: %v to %v", ch.Name, ch.From, ch.To))
			}))
		guarded := circuitbreaker.Break(play, c)
		do := func(err error) error { _, err = guarded(t.Context(), answer(err)); return err }
		want := func(state circuitbreaker.State, counts circuitbreaker.Counts) {
			t.Helper()
			if c.State() != state || c.Counts() != counts {
				t.Fatalf("%v %+v, want %v %+v", c.State(), c.Counts(), state, counts)
			}
		}
		_ = do(errBroken)
		_ = do(errBroken)
		_ = do(nil)
		want(circuitbreaker.Closed, circuitbreaker.Counts{Requests: 3, Successes: 1, Failures: 2, ConsecutiveSuccesses: 1})
		for range 3 {
			_ = do(errBroken)
		}
		want(circuitbreaker.Open, circuitbreaker.Counts{})
		time.Sleep(20 * time.Second)
		err := do(nil)
		if got := endpoint.RetryAfter(err); got != 40*time.Second+1 {
			t.Errorf("retry after %v, want what is left", got)
		}
		if !errors.Is(err, gobreaker.ErrOpenState) || !strings.Contains(err.Error(), `circuit "db1"`) {
			t.Errorf("got %v", err)
		}
		time.Sleep(endpoint.RetryAfter(err))
		want(circuitbreaker.HalfOpen, circuitbreaker.Counts{})
		if c.RetryAfter() != 0 {
			t.Errorf("half-open, retry after %v", c.RetryAfter())
		}
		_ = do(&endpoint.Error{Code: endpoint.Canceled}) // makes room for another
		_ = do(nil)
		want(circuitbreaker.HalfOpen, circuitbreaker.Counts{Requests: 2, Successes: 1, Excluded: 1, ConsecutiveSuccesses: 1})
		_, _ = guarded(t.Context(), func(context.Context) error {
			if err := do(nil); !errors.Is(err, gobreaker.ErrTooManyRequests) {
				t.Errorf("a third probe: %v", err)
			}
			return nil
		})
		want(circuitbreaker.Closed, circuitbreaker.Counts{})
		if c.Refused() != 2 || c.Name() != "db1" {
			t.Errorf("%s refused %d, want db1 and 2", c.Name(), c.Refused())
		}
		if want := []string{"db1: closed to open", "db1: open to half_open", "db1: half_open to closed"}; !slices.Equal(changes, want) {
			t.Errorf("changes %q, want %q", changes, want)
		}
	})
}

func TestCircuitDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuitbreaker.New("")
		guarded := circuitbreaker.Break(play, c)
		for i := range 5 {
			if c.State() != circuitbreaker.Closed {
				t.Fatalf("open after %d failures", i)
			}
			_, _ = guarded(t.Context(), answer(errBroken))
		}
		if c.State() != circuitbreaker.Open || c.RetryAfter() != 5*time.Second+1 {
			t.Errorf("%v for %v, want open for 5s", c.State(), c.RetryAfter())
		}
	})
}

func TestCircuitRatio(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pattern string // + success, - failure, c cancelled, . a second
		open    bool
	}{
		{"half", "+-+-+-+-+-", true},
		{"too few", "+-+-+-+-", false},
		{"less than half", "+-+-+-+-++-", false},
		{"cancelled ones do not count", "+-+-+-+-cccc", false},
		{"nor do they help", "+-+-+-+-c+c-", true},
		{"out of the window", "+-+-+-+-...........+-", false},
		{"in a row", "---", true},
		{"in a row, on both sides of ten seconds", ".........--..-", true},
		{"in a row, but long ago", "--...........-", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := circuitbreaker.New("x", circuitbreaker.TripAfter(3), circuitbreaker.TripRatio(0.5, 10), circuitbreaker.Window(10*time.Second))
				guarded := circuitbreaker.Break(play, c)
				for _, step := range tt.pattern {
					if step == '.' {
						time.Sleep(time.Second)
						continue
					}
					outcome := map[rune]error{'+': nil, '-': errBroken, 'c': context.Canceled}[step]
					_, _ = guarded(t.Context(), answer(outcome))
				}
				if open := c.State() == circuitbreaker.Open; open != tt.open {
					t.Errorf("open %t, want %t (%+v)", open, tt.open, c.Counts())
				}
			})
		})
	}
}

// An instance that hangs is told by calls that outlast the window, too.
func TestCircuitOfCallsThatOutlastTheWindow(t *testing.T) {
	for _, tt := range []struct {
		takes time.Duration
		open  bool
		err   error
	}{
		{7 * time.Second, true, errBroken}, {9500 * time.Millisecond, true, errBroken}, {10 * time.Second, true, errBroken},
		{time.Minute, true, errBroken}, {time.Minute, false, nil}, {time.Minute, false, context.Canceled},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := circuitbreaker.New("x")
			takes := func(context.Context) error { time.Sleep(tt.takes); return tt.err }
			guarded := circuitbreaker.Break(play, c)
			for n := range 5 {
				time.AfterFunc(time.Duration(n)*time.Second, func() { _, _ = guarded(t.Context(), takes) })
			}
			time.Sleep(tt.takes + 4500*time.Millisecond)
			if open := c.State() == circuitbreaker.Open; open != tt.open {
				t.Errorf("after five of %v with %v it is open: %t, %+v", tt.takes, tt.err, open, c.Counts())
			}
		})
	}
}

// What began before the circuit opened tells nothing of the time after, however long
// it took, and a probe is one however long.
func TestCircuitOfCallsThatOutlastAState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuitbreaker.New("x", circuitbreaker.Probes(3))
		guarded := circuitbreaker.Break(play, c)
		slow := func(takes time.Duration, err error) {
			go guarded(t.Context(), func(context.Context) error { time.Sleep(takes); return err })
			synctest.Wait()
		}
		for range 5 {
			slow(30*time.Second, errBroken)
		}
		for range 5 {
			slow(time.Second, errBroken)
		}
		time.Sleep(7 * time.Second)
		slow(12*time.Second, nil)
		slow(13*time.Second, nil)
		time.Sleep(14 * time.Second)
		slow(0, nil)
		if c.State() != circuitbreaker.Closed || c.Refused() != 0 {
			t.Fatalf("%v after three probes, and %d were refused", c.State(), c.Refused())
		}
		time.Sleep(10 * time.Second)
		if c.State() != circuitbreaker.Closed || c.Counts().Failures != 0 {
			t.Errorf("%v, %+v", c.State(), c.Counts())
		}
	})
}

func TestStateText(t *testing.T) {
	for state, want := range map[circuitbreaker.State]string{
		circuitbreaker.Closed: "closed", circuitbreaker.HalfOpen: "half_open", circuitbreaker.Open: "open", 9: "state(9)",
	} {
		if text, err := state.MarshalText(); string(text) != want || err != nil {
			t.Errorf("%d is %q, %v, want %q", state, text, err, want)
		}
	}
}
