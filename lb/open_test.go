package lb_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// A lease of Open is one as any other, but that the strategy learns that it is open: not
// of its beginning, and of its end by an outcome that says so.
func TestOpenIsAPickThatLasts(t *testing.T) {
	e, _ := endpointer(t, instances(2), nil)
	s := new(opening)
	b := lb.New(e, s)
	fault := &endpoint.Error{Code: endpoint.Internal}
	for _, err := range []error{nil, fault} {
		l, failed := b.Open(t.Context())
		if failed != nil {
			t.Fatal(failed)
		}
		node := e.Set().Nodes()[0]
		if l.Instance() != node.Instance() || node.InFlight() != 1 || node.Lasting() != 1 || len(s.starts) > 0 {
			t.Errorf("%d in flight, %d of them last, started at %v", node.InFlight(), node.Lasting(), s.starts)
		}
		l.Done(t.Context(), err)
		if node.InFlight() != 0 || node.Lasting() != 0 {
			t.Errorf("%d in flight, %d of them last after the end", node.InFlight(), node.Lasting())
		}
	}
	served, faulted := s.outs[0], s.outs[1]
	if !served.Open || served.Result != lb.Served || !faulted.Open || faulted.Result != lb.Faulted {
		t.Errorf("the outcomes are %+v", s.outs)
	}
	if served.Start < 0 || served.End < served.Start || faulted.Start < served.End {
		t.Errorf("the times are %+v", s.outs)
	}
	l, err := b.Pick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.Done(t.Context(), nil); len(s.starts) != 1 || s.outs[2].Open {
		t.Errorf("a pick is started at %v and ends as %+v", s.starts, s.outs[2])
	}
}

// A strategy that observes nothing has leases that last as well.
func TestOpenWithoutAnObserver(t *testing.T) {
	e, _ := endpointer(t, instances(1), nil)
	l, err := lb.New(e, lb.RoundRobin()).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := e.Set().Nodes()[0]; n.InFlight() != 1 || n.Lasting() != 1 {
		t.Errorf("%d in flight, %d of them last", n.InFlight(), n.Lasting())
	}
	if l.Done(t.Context(), nil); e.Set().Nodes()[0].Lasting() != 0 {
		t.Error("it lasts after its end")
	}
}

// opening is a strategy that picks the first and writes down what it is told.
type opening struct {
	starts []time.Duration
	outs   []lb.Outcome
}

func (s *opening) Picker([]*sd.Node, lb.Picker) lb.Picker  { return s }
func (s *opening) Pick(context.Context, time.Duration) int { return 0 }
func (s *opening) Start(_ int, now time.Duration)          { s.starts = append(s.starts, now) }
func (s *opening) Observe(_ int, o lb.Outcome)             { s.outs = append(s.outs, o) }

// What is open is load, and neither slow nor fast; its faults count.
func TestPeakEWMAOfWhatIsOpen(t *testing.T) {
	at := time.Hour
	for _, tt := range []struct {
		result lb.Result
		after  time.Duration
		want   int
	}{
		{lb.Served, 0, 0}, {lb.Canceled, 0, 0}, {lb.Refused, 0, 0},
		{lb.Faulted, 0, 1}, {lb.Rejected, 0, 1}, {lb.Served, time.Minute, 1},
	} {
		for _, lasted := range []time.Duration{0, time.Minute} {
			d := drive(t, lb.PeakEWMA(), weighted(1, 1))
			d.served(0, at, 10*ms)
			d.served(1, at, 11*ms)
			d.p.Observe(0, lb.Outcome{Start: at - lasted, End: at, Result: tt.result, RetryAfter: tt.after, Open: true})
			d.want(tt.want, at, fmt.Sprintf("%v after %v, retry after %v", tt.result, lasted, tt.after))
		}
	}
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	d.served(0, at, 10*ms)
	d.served(1, at, 11*ms)
	d.nodes[0].Acquire()
	d.nodes[0].Last(true)
	d.want(1, at, "it is in flight")
}

// What is open on an instance does not keep it from its first answers.
func TestPeakEWMAProbesWhereMuchIsOpen(t *testing.T) {
	d := drive(t, lb.PeakEWMA(), weighted(1, 1))
	at := time.Hour
	d.served(0, at-time.Minute, 10*ms)
	d.served(1, at, 10*ms)
	for range 5 {
		d.nodes[0].Acquire()
		d.nodes[0].Last(true)
	}
	d.want(0, at, "it is not proven, and has decayed by far more than its load")
	d.nodes[0].Acquire()
	d.nodes[0].Acquire()
	d.want(0, at, "two calls")
	d.nodes[0].Acquire()
	d.want(1, at, "three calls and no answer")
}

// A call is a pick as any other until its answer begins, and open from then on.
func TestACallMayLastOnceItIsAnswered(t *testing.T) {
	e, _ := endpointer(t, instances(2), nil)
	node := e.Set().Nodes()[0]
	fault := &endpoint.Error{Code: endpoint.Internal}
	for _, err := range []error{nil, fault} {
		s := new(opening)
		l, failed := lb.New(e, s).Pick(t.Context())
		if failed != nil {
			t.Fatal(failed)
		}
		l = l.Answered()
		if l = l.Answered(); len(s.outs) != 1 || node.InFlight() != 1 || node.Lasting() != 1 {
			t.Fatalf("%d in flight, %d of them last, told %+v", node.InFlight(), node.Lasting(), s.outs)
		}
		l.Done(t.Context(), err)
		begun, ended := s.outs[0], s.outs[1]
		if !begun.Answering || begun.Open || begun.Result != lb.Served || begun.Start != s.starts[0] || begun.End < begun.Start {
			t.Errorf("of its answer it is told %+v", begun)
		}
		want := lb.Outcome{Start: begun.Start, End: ended.End, Open: true}
		if err != nil {
			want.Result = lb.Faulted
		}
		if ended != want || ended.End < begun.End || node.InFlight() != 0 || node.Lasting() != 0 || len(s.outs) != 2 {
			t.Errorf("%d in flight, %d of them last, of its end it is told %+v", node.InFlight(), node.Lasting(), ended)
		}
	}
	l, err := lb.New(e, lb.RoundRobin()).Pick(t.Context()) // which observes nothing
	if err != nil {
		t.Fatal(err)
	}
	n := e.Set().Nodes()
	if l = l.Answered(); n[0].Lasting()+n[1].Lasting() != 1 {
		t.Error("it does not last")
	}
	if l.Done(t.Context(), nil); n[0].Lasting()+n[1].Lasting() != 0 || n[0].InFlight()+n[1].InFlight() != 0 {
		t.Error("it is not over")
	}
	l, _ = lb.New(e, new(opening)).Open(t.Context())
	if l.Answered().Done(t.Context(), nil); node.Lasting() != 0 {
		t.Errorf("of Open %d last", node.Lasting())
	}
}

// What an answer took to begin is a latency, and what it lasts is none.
func TestPeakEWMAOfAnAnswerThatLasts(t *testing.T) {
	for _, strategy := range []lb.Strategy{lb.PeakEWMA(), lb.Eject(lb.PeakEWMA())} {
		d := drive(t, strategy, weighted(1, 1))
		at := time.Hour
		d.p.Start(0, at-10*ms)
		d.p.Observe(0, lb.Outcome{Start: at - 10*ms, End: at, Answering: true})
		d.served(1, at, 11*ms)
		d.want(0, at, "it began to answer sooner")
		d.want(0, at+time.Minute, "an answer that lasts is no silence")
		d.p.Observe(0, lb.Outcome{Start: at - 10*ms, End: at + time.Minute, Open: true})
		d.want(0, at+time.Minute, "it lasted a minute")
	}
}

// An answer that begins is none that is served: it may break off, each time.
func TestEjectCountsAnAnswerThatLastsOnce(t *testing.T) {
	w := newWard(t, 3, lb.Eject(lb.RoundRobin()))
	for range 5 {
		w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now, End: w.now, Answering: true})
		if out := w.out(); len(out) > 0 {
			t.Fatalf("%v are out", out)
		}
		w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now, End: w.now, Open: true, Result: lb.Faulted})
	}
	w.now += w.only(1).For
	w.spread(10)
	w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now, End: w.now, Answering: true})
	if out := w.out(); len(out) > 0 {
		t.Errorf("%v are out, whose probe is being answered", out)
	}
}

// An instance of which nothing is wanted but what lasts for days returns from an
// ejection long before that ends.
func TestEjectReturnsWhatServesWhatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(source, 1)
		e := sd.NewEndpointer(src, func(_ context.Context, in *sd.Instance) (*client, error) { return &client{id: in.ID}, nil })
		defer func() { _ = e.Close() }()
		src <- instances(2)
		synctest.Wait()
		b := lb.New(e, lb.Eject(lb.RoundRobin()))
		open := func() lb.Lease[*client] {
			l, err := b.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		for len(b.Ejected()) == 0 { // its streams break
			l := open()
			var err error
			if l.Instance().ID == "i0000" {
				err = &endpoint.Error{Code: endpoint.Unavailable}
			}
			l.Done(t.Context(), err)
		}
		counts := map[string]int{}
		for range 200 { // at least 30 s to the probe, and as many until it counts
			time.Sleep(time.Second)
			l := open()
			counts[l.Instance().ID]++
			defer l.Done(t.Context(), nil)
		}
		if len(b.Ejected()) > 0 || counts["i0000"] < 60 {
			t.Errorf("after %v: %v are out", counts, b.Ejected())
		}
	})
}
