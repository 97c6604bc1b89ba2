package lbsim

import (
	"slices"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// The budget of retries: a share of the calls, and what may be saved up.
const (
	tokenRatio = 0.2
	tokenBurst = 100
)

// begin is a call that arrives at one of the clients.
func (r *run) begin() {
	var id int32
	if n := len(r.unused); n > 0 {
		id, r.unused = r.unused[n-1], r.unused[:n-1]
	} else {
		id = int32(len(r.calls))
		r.calls = append(r.calls, attempt{})
	}
	a := &r.calls[id]
	*a = attempt{
		client: r.clients[0], ctx: r.contexts[0], arrived: r.now, deadline: r.now + r.Timeout,
		size: r.sizes.Float64(),
	}
	if len(r.clients) > 1 {
		a.client = r.clients[r.arrivals.IntN(len(r.clients))]
	}
	if r.Keys > 0 {
		a.ctx = r.contexts[1+r.arrivals.IntN(r.Keys)]
	}
	a.client.tokens = min(a.client.tokens+tokenRatio, tokenBurst)
	r.send(id)
}

// send sends a call to a server, as lb.Balancer would.
func (r *run) send(id int32) {
	a := &r.calls[id]
	c := a.client
	if len(c.live) == 0 {
		r.Unbalanced += r.measured(a)
		r.done(id)
		return
	}
	r.deciding = a
	clock := time.Duration(0)
	if c.observer != nil {
		clock = epoch + r.now
	}
	a.index = r.pick(a, clock)
	a.node, a.observer, a.start = c.live[a.index], c.observer, r.now
	a.tried[a.number] = a.node
	a.number++
	a.node.Acquire()
	if c.starter != nil {
		c.starter.Start(a.index, clock)
	}

	st := c.stations[a.index]
	p := rejected(r.now)
	if st.limit == nil || st.limit.Admit(r.now) {
		p = st.plan(r.now, a.size, a.deadline)
		r.limited(st, p)
	}
	st.accept(p)
	end := p.end
	if end < never {
		end += r.Network
	}
	if a.result = p.result; end > a.deadline {
		end, a.result, a.late = a.deadline, lb.Faulted, true
	}
	r.events.push(end, id)
}

// pick asks the picker, again if it insists on a server that has been tried, and looks
// for another one if it insists for long: one that is ejected only if all others have been
// tried, and what was picked at first only if all have.
func (r *run) pick(a *attempt, clock time.Duration) int {
	c, ctx := a.client, a.ctx
	if a.number > 0 {
		tried := make([]string, a.number)
		for k, n := range a.tried[:a.number] {
			tried[k] = n.Instance().ID
		}
		ctx = call.With(ctx, call.Attempt(a.number+1, tried))
	}
	first := c.picker.Pick(ctx, clock)
	i := first
	for tries := 0; a.avoids(c, i); tries++ {
		if tries == 4 {
			return r.another(a, first, clock)
		}
		i = c.picker.Pick(ctx, clock)
	}
	return i
}

func (r *run) another(a *attempt, first int, clock time.Duration) int {
	c := a.client
	var ejected []lb.Ejection
	if e, ok := c.picker.(lb.Ejecter); ok {
		ejected = e.Ejected(clock)
	}
	n, last := len(c.live), first
	offset := r.rest.IntN(n)
	for k := range n {
		i := (offset + k) % n
		if a.avoids(c, i) {
			continue
		}
		out := func(e lb.Ejection) bool { return e.Instance == c.live[i].Instance() }
		if !slices.ContainsFunc(ejected, out) {
			return i
		}
		if last == first {
			last = i
		}
	}
	return last
}

// admitted is a call that a limiter will be told of.
type admitted struct {
	limit  Limiter
	start  time.Duration
	served bool
}

// limited sees to it that the server's limiter, if it has one, is told when the
// call is done. Its event has a number less than zero.
func (r *run) limited(st *station, p plan) {
	if st.limit == nil || p.end == never {
		return
	}
	var id int32
	if n := len(r.unusedAdmitted); n > 0 {
		id, r.unusedAdmitted = r.unusedAdmitted[n-1], r.unusedAdmitted[:n-1]
	} else {
		id = int32(len(r.admitted))
		r.admitted = append(r.admitted, admitted{})
	}
	r.admitted[id] = admitted{st.limit, r.now, p.result == lb.Served}
	r.events.push(p.end, ^id)
}

// left tells a limiter that a call is done.
func (r *run) left(id int32) {
	a := r.admitted[id]
	a.limit.Done(a.start, r.now, a.served)
	r.unusedAdmitted = append(r.unusedAdmitted, id)
}

func (a *attempt) avoids(c *client, i int) bool {
	for _, n := range a.tried[:a.number] {
		if n == c.live[i] {
			return true
		}
	}
	return false
}

// answer ends an attempt.
func (r *run) answer(id int32) {
	a := &r.calls[id]
	a.node.Release()
	if a.observer != nil {
		a.observer.Observe(a.index, lb.Outcome{Start: epoch + a.start, End: epoch + r.now, Result: a.result})
	}
	failed := a.result != lb.Served
	if failed && a.number < r.Attempts && r.now < a.deadline && a.client.tokens >= 1 {
		a.client.tokens--
		a.size = r.rest.Float64()
		r.Retries += r.measured(a)
		r.send(id)
		return
	}
	n := r.measured(a)
	switch {
	case a.late:
		r.TimedOut += n
	case a.result == lb.Served:
		r.Served += n
	case a.result == lb.Rejected:
		r.Rejected += n
	default:
		r.Failed += n
	}
	r.done(id)
}

// measured is 1 for a call that counts.
func (r *run) measured(a *attempt) uint64 {
	if a.arrived < r.Skip {
		return 0
	}
	return 1
}

// done forgets a call.
func (r *run) done(id int32) {
	a := &r.calls[id]
	if r.measured(a) == 1 {
		latency := r.Timeout
		if a.number > 0 && a.result == lb.Served && !a.late {
			latency = r.now - a.arrived
		}
		r.Calls++
		r.Latency.Add(latency)
	}
	r.unused = append(r.unused, id)
}
