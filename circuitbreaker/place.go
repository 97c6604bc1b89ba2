package circuitbreaker

import "time"

// place is what a call that was allowed holds.
type place struct {
	done    func(error)
	circuit *Circuit // whose place it is; if nil, done is all
	phase   uint64   // of the circuit when the call began
	began   time.Duration
}

// closed marks the phases in which a circuit is.
const closed = 1

// leave tells the outcome of the call.
//
// gobreaker counts a call as one of the time when it began, so that one which outlasts
// the window would never count: not even those to an instance that hangs, if their
// timeout is longer. So a long one is counted as one of the time when it ended.
func (p place) leave(outcome error) {
	c := p.circuit
	if c == nil {
		p.done(outcome)
		return
	}
	if p.phase&closed != 0 && time.Since(c.start)-p.began > c.half && c.phase.Load() == p.phase {
		if late, refused := c.breaker.Allow(); refused == nil {
			p.done = late
		}
	}
	p.done(outcome)
	c.changes.deliver()
}
