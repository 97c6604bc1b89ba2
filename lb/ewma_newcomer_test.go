package lb_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

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
