package lb_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

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
