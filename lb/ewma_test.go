package lb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

const ms = time.Millisecond

// driven is a picker and the nodes it picks from; the test has the clock.
type driven struct {
	t     *testing.T
	p     lb.Starter
	nodes []*sd.Node
}

func drive(t *testing.T, s lb.Strategy, nodes []*sd.Node) *driven {
	return &driven{t, fixed(s).Picker(nodes, nil).(lb.Starter), nodes}
}

// ended books a call to node i that ended at a time after a latency.
func (d *driven) ended(i int, at, latency time.Duration, r lb.Result, retryAfter time.Duration) {
	d.p.Start(i, at-latency)
	d.p.Observe(i, lb.Outcome{Start: at - latency, End: at, Result: r, RetryAfter: retryAfter})
}

func (d *driven) served(i int, at, latency time.Duration) { d.ended(i, at, latency, lb.Served, 0) }

// always reports whether every pick of many at that time is i.
func (d *driven) always(i int, at time.Duration) bool {
	for range 30 {
		if d.p.Pick(context.Background(), at) != i {
			return false
		}
	}
	return true
}

func (d *driven) want(i int, at time.Duration, why string) {
	d.t.Helper()
	if !d.always(i, at) {
		d.t.Errorf("at %v not always %d: %s", at, i, why)
	}
}

// load measures the load of node 0 in units of that of node 1, which has no call
// in flight when it begins: with so many does node 1 become the worse one.
func (d *driven) load(at time.Duration) int {
	n := 0
	for ; n < 3000 && !d.always(0, at); n++ {
		d.nodes[1].Acquire()
	}
	for range n {
		d.nodes[1].Release()
	}
	return n
}

func TestPeakEWMAJumpsAtOnceAndDecaysWhileIdle(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := 100 * time.Second
	d.served(0, at, 5*ms)
	d.served(1, at, 10*ms)
	d.want(0, at, "it is faster")
	d.served(0, at, 100*ms)
	d.want(1, at, "one slow answer is enough")
	// 100 ms fall to 10 ms in 10 s · ln 10 = 23.03 s.
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{22900 * ms, 1}, {23200 * ms, 0}} {
		d.served(1, at+tt.after, 10*ms)
		d.want(tt.want, at+tt.after, "τ is 10 s")
	}
}

func TestPeakEWMAFollowsItsFormula(t *testing.T) {
	for _, tt := range []struct {
		other time.Duration
		want  int
	}{{41 * ms, 1}, {43 * ms, 0}} {
		d := drive(t, lb.PeakEWMA(lb.EWMADecay(time.Second)), weighted(1, 1))
		d.served(0, 10*time.Second, 100*ms)
		d.served(0, 11*time.Second, 8*ms) // 8 + (100-8)/e = 41.8
		d.served(1, 11*time.Second, tt.other)
		d.want(tt.want, 11*time.Second, fmt.Sprint("41.8 ms against ", tt.other))
	}
}

func TestPeakEWMACountsWhatIsInFlight(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 4))
	at := 10 * time.Second
	d.served(0, at, 10*ms)
	d.served(1, at, 30*ms)
	d.want(1, at, "30/4 is less than 10")
	d.nodes[1].Acquire()
	d.want(0, at, "30·2/4 is more than 10")
	d.nodes[0].Acquire()
	d.want(1, at, "30·2/4 is less than 10·2")
}

func TestPeakEWMAHearsSilence(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := time.Hour
	d.served(0, at-20*ms, 10*ms)
	d.served(1, at-20*ms, 12*ms)
	for range 3 { // three calls hang on 0, three ended on 1
		d.nodes[0].Acquire()
		d.p.Start(0, at)
		d.nodes[1].Acquire()
	}
	d.want(0, at+11*ms, "it may yet be the faster one")
	d.p.Start(0, at+11*ms)
	d.want(1, at+13*ms, "a call has been in flight for longer than 12 ms, whatever began later")
	for range 3 {
		d.nodes[0].Release()
		d.nodes[1].Release()
	}
	d.p.Observe(0, lb.Outcome{Start: at, End: at + 13*ms, Result: lb.Refused})
	d.want(0, at+14*ms, "a call has ended and told nothing")
	d.p.Start(0, at+25*ms)
	d.want(0, at+35*ms, "the silence began anew")
	d.want(1, at+38*ms, "and lasts")
}

// What a limit on this side refuses while an instance hangs is no answer of it, nor is
// what a caller gives up.
func TestPeakEWMAHearsSilenceAmongRefusals(t *testing.T) {
	for _, r := range []lb.Result{lb.Refused, lb.Canceled} {
		d := drive(t, lb.PeakEWMA(), weighted(1, 1))
		began := time.Hour
		d.served(0, began-20*ms, 10*ms)
		d.served(1, began-20*ms, 12*ms)
		for range 3 { // three calls hang on 0, three ended on 1
			d.nodes[0].Acquire()
			d.p.Start(0, began)
			d.nodes[1].Acquire()
		}
		at := began
		for range 20 {
			at += 11 * ms
			d.ended(0, at, 0, r, 0)
		}
		d.want(1, at, "three calls have been in flight for 220 ms")
		for range 3 {
			d.nodes[0].Release()
		}
		d.p.Observe(0, lb.Outcome{Start: began, End: at, Result: r})
		if r == lb.Canceled {
			d.want(1, at, "it took 220 ms at least")
			continue
		}
		d.want(0, at, "the one that was in flight has been refused")
		d.ended(0, at+11*ms, 0, r, 0)
		d.want(0, at+time.Second, "none is in flight")
	}
}

// An instance that answers is not silent, however long one of its calls takes.
func TestPeakEWMABearsALongCall(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := time.Hour
	d.served(1, at, 12*ms)
	d.p.Start(0, at)
	for range 1000 {
		at += 10 * ms
		d.served(0, at, 10*ms)
	}
	d.served(1, at, 12*ms)
	d.want(0, at+9*ms, "it answers in 10 ms")
}

func TestPeakEWMAStartsANewcomerAsTypical(t *testing.T) {
	nodes := weighted(1, 1)
	old := drive(t, lb.PeakEWMA(), nodes[1:])
	at := 10 * time.Second
	old.served(0, at, 10*ms)
	d := &driven{t, lb.PeakEWMA().Picker(nodes, old.p).(lb.Starter), nodes} // 0 joins
	if d.always(0, at) || d.always(1, at) {
		t.Error("the newcomer differs from what is typical")
	}
	nodes[0].Acquire()
	d.want(1, at, "the newcomer has a call more")
	for range 50 {
		nodes[1].Acquire()
	}
	d.want(0, at, "the newcomer has fewer calls")
	nodes[0].Acquire()
	nodes[0].Acquire()
	d.want(1, at, "three calls and no answer")
	d.served(0, at, 10*ms)
	d.want(0, at, "it has answered")
}

// Calls that come one by one, far apart, find a newcomer too: what counts of the others
// has decayed, and so has what is typical.
func TestPeakEWMACallsANewcomerHoweverSeldomItCalls(t *testing.T) {
	for _, n := range []int{2, 5, 20} {
		for _, every := range []time.Duration{10 * ms, time.Second, time.Minute} {
			nodes := weighted(slices.Repeat([]int{1}, n)...)
			old := drive(t, lb.PeakEWMA(), nodes[1:])
			at := time.Hour
			for k := range 40 * n {
				old.served(k%(n-1), at, 10*ms)
				at += every
			}
			d := &driven{t, fixed(lb.PeakEWMA()).Picker(nodes, old.p).(lb.Starter), nodes} // 0 joins
			k := 0
			for ; k < 2000; k++ {
				i := d.p.Pick(t.Context(), at)
				if i == 0 {
					break
				}
				d.served(i, at+10*ms, 10*ms)
				at += every
			}
			if k == 2000 {
				t.Errorf("of %d, one call each %v, the newcomer gets none of %d", n, every, k)
			}
		}
	}
}

func TestPeakEWMAOfOneFastAnswer(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := 10 * time.Second
	d.served(1, at, 10*ms)
	d.served(0, at, 1)
	d.nodes[0].Acquire()
	d.nodes[0].Acquire()
	d.want(1, at, "a first answer at once makes half of what is typical, thrice")
}

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

func TestPeakEWMASurvivesAnUpdate(t *testing.T) {
	nodes := weighted(1, 1, 1, 1)
	d := drive(t, lb.PeakEWMA(), nodes[:3])
	at := 10 * time.Second
	d.served(0, at, 30*ms)
	d.served(1, at, 20*ms)
	d.served(2, at, 10*ms)
	d.p.Start(2, at+11*ms)
	pair := []*sd.Node{nodes[1], nodes[2]}
	next := &driven{t, lb.PeakEWMA().Picker(pair, d.p).(lb.Starter), pair}
	next.want(1, at, "it is the faster survivor")
	next.want(0, at+40*ms, "the call that began before the update is old")
	d.p.Observe(2, lb.Outcome{Start: at + 11*ms, End: at + 35*ms, Result: lb.Refused}) // to the old picker
	next.want(1, at+40*ms, "the call that began before the update has ended")
}

// One call at a time, one instance of four much slower: it gets few calls, for ever.
func TestPeakEWMAStarvesNobody(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1, 1, 1))
	at := time.Second
	var counts, late [4]int
	for k := range 60_000 {
		i := d.p.Pick(t.Context(), at)
		latency := 2 * ms
		if i == 3 {
			latency = 500 * ms
		}
		at += latency
		d.served(i, at, latency)
		counts[i]++
		if k > 30_000 {
			late[i]++
		}
	}
	if counts[3] > 30 || late[3] == 0 || min(counts[0], counts[1], counts[2]) < 3000 {
		t.Errorf("picks are %v, of them late %v", counts, late)
	}
}

func TestPeakEWMAConcurrentSafe(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 2, 3, 4))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for k := range 5000 {
				now := time.Duration(1+k) * ms
				i := d.p.Pick(context.Background(), now)
				d.nodes[i].Acquire()
				d.p.Start(i, now)
				d.nodes[i].Release()
				d.p.Observe(i, lb.Outcome{Start: now, End: now + ms, Result: lb.Result((g + k) % 5)})
			}
		})
	}
	all.Wait()
	// Nothing is in flight any more: an hour later no age counts.
	pair := []*sd.Node{d.nodes[0], d.nodes[1]}
	rest := &driven{t, lb.PeakEWMA().Picker(pair, d.p).(lb.Starter), pair}
	rest.served(0, time.Hour, 10*ms)
	rest.served(1, time.Hour, 100*ms)
	rest.want(0, time.Hour, "10/1 is less than 100/2")
}

func TestPeakEWMAAllocatesNothing(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 2, 3))
	ctx, at := t.Context(), time.Duration(0)
	if n := testing.AllocsPerRun(100, func() {
		at += time.Second
		i := d.p.Pick(ctx, at)
		d.served(i, at, ms)
		d.ended(i, at, ms, lb.Faulted, time.Second)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPeakEWMAMisuseNamesAllFaults(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"decay time", "probes", "option 3 is nil"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not name %q", text, want)
			}
		}
	}()
	lb.PeakEWMA(lb.EWMADecay(-1), lb.EWMAProbes(0), nil)
}

// starting is a strategy that books starts and ends.
type starting struct {
	picks         int
	starts, outs  []time.Duration
	indices, ends []int
}

func (s *starting) Picker([]*sd.Node, lb.Picker) lb.Picker { return s }
func (s *starting) Pick(context.Context, time.Duration) int {
	s.picks++
	return s.picks % 2
}
func (s *starting) Start(i int, now time.Duration) {
	s.starts, s.indices = append(s.starts, now), append(s.indices, i)
}
func (s *starting) Observe(i int, o lb.Outcome) {
	s.outs, s.ends = append(s.outs, o.Start), append(s.ends, i)
}

// A pick that the balancer drops, because the call avoids it, starts nothing.
func TestStarterLearnsOfEachCallOnce(t *testing.T) {
	e, _ := endpointer(t, instances(2), nil)
	s := new(starting)
	next := lb.Endpoint(lb.New(e, s), (*client).Call)
	ctx := call.With(t.Context(), call.Attempt(2, []string{"i0001"}))
	for range 3 {
		if _, err := next(ctx, ""); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(s.starts) != fmt.Sprint(s.outs) || fmt.Sprint(s.indices) != "[0 0 0]" || fmt.Sprint(s.ends) != "[0 0 0]" || s.picks <= 3 {
		t.Errorf("%d picks, starts %v at %v, ends %v at %v", s.picks, s.starts, s.indices, s.outs, s.ends)
	}
}

func BenchmarkPeakEWMA(b *testing.B) {
	for _, n := range []int{3, 100, 10000} {
		e, _ := endpointer(b, instances(n), nil)
		balancer := lb.New(e, lb.PeakEWMA())
		ctx := b.Context()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l, err := balancer.Pick(ctx)
				if err != nil {
					b.Fatal(err)
				}
				l.Done(ctx, nil)
			}
		})
	}
}
