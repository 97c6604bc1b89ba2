package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Order is what is asked of all three services, and Receipt what they answer.
type Order struct {
	Item  string `json:"item"`
	Cents int    `json:"cents"`
}

type Receipt struct {
	Text string `json:"text"`
}

// Front is what users talk to. It knows Orders by an endpoint and by nothing else.
type Front struct {
	Logger *slog.Logger
	Place  endpoint.Endpoint[Order, Receipt]
}

func (f Front) Buy(ctx context.Context, o Order) (Receipt, error) {
	// The context makes it a record of this request: nothing is passed along by hand.
	f.Logger.InfoContext(ctx, "somebody buys", "item", o.Item)
	return f.Place(ctx, o)
}

// Orders takes an order and has it paid.
type Orders struct {
	Logger *slog.Logger
	Charge endpoint.Endpoint[Order, Receipt]
	Slow   func() bool // the trouble of one instance
}

func (s Orders) Place(ctx context.Context, o Order) (Receipt, error) {
	if s.Slow() {
		s.Logger.WarnContext(ctx, "the stock answers late")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done(): // the caller asked somebody else meanwhile
			return Receipt{}, ctx.Err()
		}
	}
	return s.Charge(ctx, o)
}

// Payments takes the money.
type Payments struct {
	Logger *slog.Logger
	Refuse func() bool // the trouble of one instance
}

func (p Payments) Charge(ctx context.Context, o Order) (Receipt, error) {
	if p.Refuse() {
		// Nothing was done, so the caller may try again.
		return Receipt{}, &endpoint.Error{Code: endpoint.Unavailable, Reason: "BANK_CLOSED", NotProcessed: true}
	}
	p.Logger.InfoContext(ctx, "the money is taken", "cents", o.Cents)
	return Receipt{Text: "one " + o.Item + ", paid"}, nil
}

// every is true once in n calls.
func every(n int64) func() bool {
	var calls atomic.Int64
	return func() bool { return calls.Add(1)%n == 0 }
}

func never() bool { return false }
