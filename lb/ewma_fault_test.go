package lb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

func TestPeakEWMAShunsWhoFailsFast(t *testing.T) {
	for _, tt := range []struct {
		result lb.Result
		factor int
	}{{lb.Faulted, 100}, {lb.Rejected, 10}} {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		at := 10 * time.Second
		d.served(0, at, 10*ms)
		d.served(1, at, 10*ms)
		d.ended(0, at, ms, tt.result, 0)
		if got := d.load(at); got < tt.factor-2 || got > tt.factor {
			t.Errorf("%v makes a load of %d", tt.result, got)
		}
		d.served(1, at+10*time.Second, 10*ms)
		if got, want := d.load(at+10*time.Second), tt.factor*368/1000; got < want-1 || got > want+1 {
			t.Errorf("after τ the load is %d, want %d", got, want)
		}
	}
}

func TestPeakEWMALeavesAloneWhoAskedForIt(t *testing.T) {
	for _, tt := range []struct{ asked, left time.Duration }{
		{2 * time.Second, 2 * time.Second}, {24 * time.Hour, time.Minute},
	} {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		at := 10 * time.Second
		d.served(0, at, ms)
		d.served(1, at, 1000*ms)
		d.ended(0, at, ms, lb.Served, tt.asked)
		for range 1000 {
			d.nodes[1].Acquire()
		}
		d.want(1, at+tt.left-1, "0 asked to be left alone")
		d.want(0, at+tt.left, "the time is over")
	}
}

func TestPeakEWMATakesACancellationForALowerBound(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := 10 * time.Second
	d.served(1, at, 10*ms)
	d.served(0, at, 50*ms)
	d.ended(0, at, ms, lb.Canceled, 0)
	d.ended(0, at, 90*ms, lb.Refused, time.Second)
	if got := d.load(at); got != 5 {
		t.Errorf("a bound of 1 ms makes 50 ms a load of %d times 10", got)
	}
	d.ended(0, at, 80*ms, lb.Canceled, 0)
	if got := d.load(at); got != 8 {
		t.Errorf("a bound of 80 ms makes 50 ms a load of %d times 10", got)
	}
}

// Whatever came before, what is not an answer never lowers a load, now or later.
func TestAFastFailureNeverLowersALoad(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		at := time.Hour
		for range random.IntN(6) {
			at += time.Duration(random.Int64N(int64(15 * time.Second)))
			d.ended(0, at, time.Duration(random.Int64N(int64(50*ms))), lb.Result(random.IntN(5)), time.Duration(random.IntN(2)*random.IntN(2e9)))
		}
		at += time.Duration(random.Int64N(int64(20 * time.Second)))
		if random.IntN(2) > 0 { // one hangs
			d.p.Start(0, at-time.Duration(random.Int64N(int64(time.Second))))
		}
		d.served(1, at, ms)
		later := at + time.Duration(random.Int64N(int64(5*time.Second)))
		before, then := d.load(at), d.load(later)
		r := []lb.Result{lb.Faulted, lb.Rejected, lb.Canceled, lb.Refused}[random.IntN(4)]
		d.ended(0, at, time.Duration(random.IntN(2e6)), r, 0)
		if after := d.load(at); after < before {
			t.Fatalf("%v lowers the load from %d to %d", r, before, after)
		}
		if after := d.load(later); after < then {
			t.Fatalf("%v lowers the load after %v from %d to %d", r, later-at, then, after)
		}
	}
}
