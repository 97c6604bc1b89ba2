package sd_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestHealthCheckThresholds(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("x", "y", "z")
		settle()
		expect(t, tp, "[x y z]")
		w.set("y")
		rounds(2)
		expect(t, tp, "") // two failures
		rounds(1)
		expect(t, tp, "[x z]")
		w.set()
		rounds(1)
		expect(t, tp, "") // one success
		rounds(1)
		expect(t, tp, "[x y z]")
		w.set("x")
		rounds(2)
		w.set()
		rounds(1)
		w.set("x")
		rounds(2)
		expect(t, tp, "") // a success between the failures
		if want := []string{"y:ill", "y:<nil>"}; !slices.Equal(w.told(), want) {
			t.Errorf("reports %q, want %q", w.told(), want)
		}
	})
}

func TestHealthCheckAdmission(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.set("y", "n")
		f.say("x", "y")
		expect(t, tp, "[x y]") // at the start all are in
		settle()
		expect(t, tp, "[x]") // until their first probe
		f.say("n", "o", "x", "y")
		expect(t, tp, "")
		settle()
		expect(t, tp, "[o x]") // later none is in before it
		w.set()
		rounds(2)
		if got := tp.take(); !strings.HasSuffix(got, "[n o x y]") {
			t.Errorf("got %q", got)
		}
		f.say()
		expect(t, tp, "[]")
		w.set("x")
		f.say("x", "y")
		expect(t, tp, "[x y]") // emptiness is a start
		settle()
		expect(t, tp, "[y]")
	})
}

func TestHealthCheckAdmitAtOnce(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthAdmitAtOnce()}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.set("n")
		f.say("x")
		settle()
		expect(t, tp, "[x]")
		f.say("n", "o", "x")
		expect(t, tp, "[n o x]")
		settle()
		expect(t, tp, "[o x]")
	})
}

func TestHealthCheckIdentity(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.set("bad")
		f.say("x", "y@bad")
		settle()
		expect(t, tp, "[x y@bad] [x]")
		f.say("x*2", "y@bad*2") // a new weight keeps the health
		expect(t, tp, "[x*2]")
		f.say("x*2", "y@good") // a new address is a new instance
		expect(t, tp, "")
		settle()
		expect(t, tp, "[x*2 y@good]")
		f.say("y@good")
		expect(t, tp, "[y@good]")
		before := w.begun()
		rounds(6)
		if n := w.begun() - before; n != 6 { // who left is not probed any more
			t.Errorf("%d probes of one instance in a minute", n)
		}
	})
}

// An instance that leaves and comes back while a probe of it runs is a new one.
func TestHealthCheckIgnoresTheProbeOfOneThatLeft(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("a")
		settle()
		expect(t, tp, "[a]")
		w.set("x")
		f.say("a", "x")
		synctest.Wait() // the probe of x runs
		f.say("a")
		synctest.Wait()
		w.set()
		f.say("a", "x")
		settle()
		expect(t, tp, "[a x]")
		if want := []string{"x:<nil>"}; !slices.Equal(w.told(), want) {
			t.Errorf("reports %q, want %q", w.told(), want)
		}
		before := w.begun()
		rounds(3)
		if n := w.begun() - before; n != 6 {
			t.Errorf("%d probes of two instances in three rounds", n)
		}
	})
}

func TestHealthCheckTimeout(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthTimeout(3 * time.Second)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.takes(time.Hour)
		f.say("x")
		time.Sleep(2999 * time.Millisecond)
		synctest.Wait()
		if len(w.told()) > 0 || w.inside() != 1 {
			t.Errorf("%d probes run, reports %q", w.inside(), w.told())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if want := []string{"x:context deadline exceeded"}; w.inside() != 0 || !slices.Equal(w.told(), want) {
			t.Errorf("%d probes run, reports %q, want %q", w.inside(), w.told(), want)
		}
	})
}

func TestHealthConcurrency(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthConcurrency(3)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.takes(time.Second)
		var all []string
		for i := range 10 {
			all = append(all, fmt.Sprint("i", i))
		}
		f.say(all...)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if w.most != 3 || w.begun() != 10 {
			t.Errorf("%d probes, %d at once", w.begun(), w.most)
		}
	})
}

func TestHealthIntervalAndJitter(t *testing.T) {
	opts := []sd.HealthOption{sd.HealthInterval(time.Minute), sd.HealthJitter(0.5)}
	inBubble(t, opts, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("x")
		time.Sleep(200 * time.Minute)
		synctest.Wait()
		low, high := time.Hour, time.Duration(0)
		tp.stop()
		for i := 1; i < len(w.probes); i++ {
			gap := w.probes[i] - w.probes[i-1]
			low, high = min(low, gap), max(high, gap)
		}
		if low < 30*time.Second || low > 40*time.Second || high > 91*time.Second || high < 80*time.Second {
			t.Errorf("gaps from %v to %v, want about 30 s to 90 s", low, high)
		}
		if n := w.begun(); n < 170 || n > 230 {
			t.Errorf("%d probes in 200 minutes", n)
		}
	})
}

func TestHealthCheckGoesOnWhileTheConsumerIsBusy(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		hold := make(chan struct{})
		tp.setHold(hold)
		f.say("x", "y", "z")
		settle()
		expect(t, tp, "[x y z]")
		w.set("x")
		rounds(3)
		w.set("x", "y")
		rounds(3)
		expect(t, tp, "")
		tp.setHold(nil)
		close(hold)
		expect(t, tp, "[z]")
	})
}

func TestProbeThatPanicsOrExits(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("x")
		settle()
		expect(t, tp, "[x]")
		w.does(func() { panic("boom") })
		rounds(1)
		expect(t, tp, "panic: boom")
	})
	inBubble(t, []sd.HealthOption{sd.HealthConcurrency(1)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		w.does(runtime.Goexit)
		f.say("x")
		rounds(6)
		expect(t, tp, "[x]")
		if w.begun() != 7 || w.told()[0] != "x:sd: the probe ended its goroutine" {
			t.Errorf("%d probes, reports %q", w.begun(), w.told())
		}
	})
}

func TestProbeTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := &sd.Instance{Addr: l.Addr().String()}
	if err := sd.ProbeTCP(t.Context(), in); err != nil {
		t.Errorf("a listener is not healthy: %v", err)
	}
	l.Close()
	if err := sd.ProbeTCP(t.Context(), in); err == nil {
		t.Error("a closed port is healthy")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sd.ProbeTCP(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("a probe whose context is done: %v", err)
	}
}

// The jitter of the longest interval is no reason to probe without end.
func TestHealthCheckOfTheLargestValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, w := newFeed(), newWard()
		tp := record(t, w.check(f, sd.HealthInterval(math.MaxInt64), sd.HealthJitter(1),
			sd.HealthTimeout(math.MaxInt64), sd.HealthConcurrency(math.MaxInt)))
		var names []string
		for i := range 20 {
			names = append(names, fmt.Sprint("i", i))
		}
		f.say(names...)
		settle()
		if got := w.begun(); got != len(names) {
			t.Errorf("%d probes in a second, want one of each of %d instances", got, len(names))
		}
		if got := tp.take(); strings.Contains(got, "panic") {
			t.Error(got)
		}
	})
}

// Where all are new at once nobody knows better, as after emptiness, of which a
// consumer that was busy may not have heard: the first that passes its probe must not
// get the load of all.
func TestHealthCheckOfASetThatIsReplaced(t *testing.T) {
	inBubble(t, []sd.HealthOption{sd.HealthConcurrency(1)}, func(t *testing.T, f *feed, w *ward, tp *tape) {
		f.say("a", "b")
		settle()
		expect(t, tp, "[a b]")
		w.set("y")
		f.say("x", "y", "z")
		expect(t, tp, "[x y z]")
		settle()
		expect(t, tp, "[x z]")
		f.say("x@moved", "z@moved")
		settle()
		expect(t, tp, "[x@moved z@moved]")
		f.say("n", "x@moved")
		expect(t, tp, "[x@moved]")
		settle()
		expect(t, tp, "[n x@moved]")
	})
}
