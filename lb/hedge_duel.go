package lb

import (
	"context"
	"sync"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// duel is what is generic about a race, in one allocation with the rest.
type duel[Req, Resp any] struct {
	race    race
	next    endpoint.Endpoint[Req, Resp]
	req     Req
	answers [2]Resp
}

func (d *duel[Req, Resp]) attempt(ctx context.Context, n int) (err error) {
	d.answers[n], err = d.next(ctx, d.req)
	return err
}

// duels are those of one Hedge. One that came to no second attempt can be used again,
// because nobody but the call has ever had it: the timer that would have handed it to
// another goroutine was stopped. All others are left to the garbage collector, and so
// are the contexts, which next may have kept, and the timer, which must not go from
// one synctest bubble to another.
type duels[Req, Resp any] struct{ idle sync.Pool }

func newDuels[Req, Resp any](h *hedger, next endpoint.Endpoint[Req, Resp]) *duels[Req, Resp] {
	return &duels[Req, Resp]{sync.Pool{New: func() any {
		d := &duel[Req, Resp]{next: next}
		d.race.hedger, d.race.runner, d.race.hedging = h, d, d.race.hedge
		return d
	}}}
}

// fight makes a call that is hedged after the delay.
func (p *duels[Req, Resp]) fight(ctx context.Context, req Req, delay time.Duration) (Resp, error) {
	d := p.idle.Get().(*duel[Req, Resp])
	d.req = req
	d.race.start(ctx)
	winner, alone, err := d.race.run(delay)
	resp := d.answers[winner]
	if alone {
		var none Req
		var nothing Resp
		d.req, d.answers[0] = none, nothing
		d.race.forget()
		p.idle.Put(d)
	}
	return resp, err
}
