package lb_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// average is E by its formula.
type average struct {
	e  float64
	at time.Duration
}

func (a *average) served(at, latency, tau time.Duration) {
	l, since := float64(latency), at-a.at
	switch {
	case l > a.e:
		a.e = l
	case since < tau/256:
		return
	default:
		a.e = l + (a.e-l)*math.Exp(-float64(since)/float64(tau))
	}
	a.at = at
}

func (a *average) load(now, tau time.Duration, inFlight, weight int) float64 {
	return a.e * math.Exp(-float64(now-a.at)/float64(tau)) * float64(inFlight+1) / float64(weight)
}

// Whatever the latencies, weights and calls in flight, the lesser load is picked.
func TestPeakEWMAPicksTheLesserLoad(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	told := 0
	for range 300 {
		tau := time.Duration(1+random.IntN(20)) * time.Second
		weights := []int{1 + random.IntN(9), 1 + random.IntN(9)}
		d := drive(t, lb.PeakEWMA(lb.EWMADecay(tau), lb.EWMAProbes(1000)), weighted(weights...))
		var model [2]average
		at := time.Minute
		for k := range 2 + random.IntN(8) {
			at += time.Duration(random.Int64N(int64(tau)))
			i, latency := k%2, time.Duration(1+random.ExpFloat64()*float64(10*ms))
			d.served(i, at, latency)
			if k == 1 && float64(latency) < model[0].e { // all that is known of a newcomer
				model[1] = average{(float64(latency) + model[0].e) / 2, at}
				continue
			}
			model[i].served(at, latency, tau)
		}
		at += time.Duration(random.Int64N(int64(tau)))
		var loads [2]float64
		for i := range loads {
			inFlight := random.IntN(4) * random.IntN(40)
			for range inFlight {
				d.nodes[i].Acquire()
			}
			loads[i] = model[i].load(at, tau, inFlight, weights[i])
		}
		if math.Abs(math.Log(loads[0]/loads[1])) < 1e-3 {
			continue // as good as equal
		}
		told++
		want := 0
		if loads[1] < loads[0] {
			want = 1
		}
		if !d.always(want, at) {
			t.Fatalf("not always %d, with loads of %v", want, loads)
		}
	}
	if told < 250 {
		t.Errorf("only %d of 300 were told apart", told)
	}
}

// A call that began and ended at the same moment leaves no silence behind.
func TestPeakEWMAOfACallThatTookNoTime(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := time.Hour
	d.served(1, at, ms)
	d.served(0, at, 0)
	d.want(0, at+time.Second, "all its calls have ended")
}

// Of calls that follow each other closely not each is booked, or every pick would write
// to a cache line that all processors read.
func TestPeakEWMAHearsSilenceAfterAWhile(t *testing.T) {
	for after, want := range map[time.Duration]int{9 * ms: 0, 11 * ms: 1} {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		at := time.Hour
		d.served(0, at, 10*ms)
		d.served(1, at, 50*ms)
		d.nodes[0].Acquire()
		d.p.Start(0, at+after)
		d.want(want, at+time.Second, "the call began "+after.String()+" after another ended")
	}
}

// What failed after a long time is no answer: the instance still gets a few calls only.
func TestPeakEWMATakesNoFailureForAnAnswer(t *testing.T) {
	for _, r := range []lb.Result{lb.Canceled, lb.Faulted, lb.Rejected} {
		d := drive(t, lb.PeakEWMA(lb.EWMADecay(time.Second)), weighted(1, 1))
		at := time.Minute
		d.served(1, at, 100*ms)
		d.ended(0, at, 200*ms, r, 0)
		for range 3 {
			d.nodes[0].Acquire()
		}
		for range 1000 {
			d.nodes[1].Acquire()
		}
		d.want(1, at, "0 has three calls and never answered")
		d.served(0, at+50*ms, 10*ms)
		d.want(0, at+50*ms, "it has answered")
	}
}

// However many of its calls are given up, an instance that answers has answered.
func TestPeakEWMABooksAnswersAmongCancellations(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := time.Minute
	for range 15_000 {
		at += ms
		d.served(0, at, 10*ms)
		if at%(20*ms) == 0 {
			d.ended(0, at, 200*ms, lb.Canceled, 0)
		}
	}
	d.served(1, at, 100*ms)
	for range 3 {
		d.nodes[0].Acquire()
	}
	for range 100 {
		d.nodes[1].Acquire()
	}
	d.want(0, at, "200·4 is less than 100·101, and it answers a thousand times a second")
}

// What took longer than is typical speaks against a newcomer, and what did not tells
// nothing of it.
func TestPeakEWMATakesABoundForANewcomersLatency(t *testing.T) {
	for latency, want := range map[time.Duration]int{100 * ms: 10, ms: 1} {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		at := time.Minute
		d.served(1, at, 10*ms)
		d.ended(0, at, latency, lb.Canceled, 0)
		d.nodes[0].Acquire()
		if got := d.load(at); got != 2*want {
			t.Errorf("a call given up after %v makes a load of %d", latency, got)
		}
	}
}

// Who writes last leaves what belongs together.
func TestPeakEWMABooksConcurrently(t *testing.T) {
	p := lb.PeakEWMA().Picker(weighted(1), nil).(lb.Observer)
	const goroutines, rounds = 4, 5000
	var running sync.WaitGroup
	var arrived atomic.Int64
	var wrong atomic.Bool
	for g := range goroutines {
		running.Go(func() {
			for round := range int64(rounds) {
				for arrived.Add(1); arrived.Load() < goroutines*(2*round+1); {
					runtime.Gosched()
				}
				at := time.Duration(round+1)*time.Hour + time.Duration(g)
				p.Observe(0, lb.Outcome{Start: at - time.Duration(g+1)*time.Minute, End: at})
				for arrived.Add(1); arrived.Load() < goroutines*(2*round+2); {
					runtime.Gosched()
				}
				if !lb.Booked(p) {
					wrong.Store(true)
				}
			}
		})
	}
	running.Wait()
	if wrong.Load() {
		t.Error("a key is not that of its cost")
	}
}

// The balancer counts a call before it knows whether the other one has less load, and
// takes it back then.
func TestPeakEWMAEntersTheOneWithLessLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := endpointer(t, instances(2), nil)
		balancer := lb.New(e, lb.PeakEWMA())
		ctx := t.Context()
		first, err := balancer.Pick(ctx)
		second, err2 := balancer.Pick(ctx)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		fast := first.Instance().ID
		if second.Instance().ID == fast {
			t.Fatal("the busy one is picked")
		}
		time.Sleep(20 * ms)
		first.Done(ctx, nil)
		time.Sleep(30 * ms)
		second.Done(ctx, nil)
		before := e.Entered()
		picks, order := map[bool]int{}, ""
		for range 14 {
			l, err := balancer.Pick(ctx)
			if err != nil {
				t.Fatal(err)
			}
			quick := l.Instance().ID == fast
			picks[quick]++
			order += map[bool]string{true: "f", false: "s"}[quick]
			defer l.Done(ctx, nil)
		}
		// 20 ms to 50 ms, the first a little less for the time it was idle.
		if want := "ffsfffsffsfffs"; order != want {
			t.Errorf("the calls go to %s, want %s", order, want)
		}
		for _, n := range e.Set().Nodes() {
			if got, want := n.InFlight(), int64(picks[n.Instance().ID == fast]); got != want {
				t.Errorf("%d in flight on %s, want %d", got, n.Instance().ID, want)
			}
		}
		if got := e.Entered() - before; got != 14 {
			t.Errorf("%d entered, want 14", got)
		}
	})
}

// However long nothing was heard, a call given up after a long wait speaks against its
// instance: the latency of a night ago has decayed to nothing, and not to none.
func TestPeakEWMAAfterANight(t *testing.T) {
	d := drive(t, lb.PeakEWMA(lb.EWMADecay(time.Second)), weighted(1, 1))
	d.served(0, time.Second, ms)
	d.served(1, time.Second, ms)
	night := 2 * time.Hour
	d.served(1, night, 10*ms)
	d.ended(0, night, 30*time.Second, lb.Canceled, 0)
	d.want(1, night, "the other one just hung for 30 s")
}
