package rows

import (
	"context"
	"slices"

	kit "github.com/go-kit/kit/endpoint"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
)

const layers = 10

// Middleware compares layers that only pass the call on.
func Middleware() measure.Group {
	return measure.Group{
		Name: "Middleware",
		Note: "An endpoint under ten layers that pass the call on; the cost is per layer, a tenth of all. " +
			"By hand is the same in closures of fixed types, without any package. Go kit boxes request and response " +
			"once per call.",
		Contestants: []measure.Contestant{
			{Name: "dowel", Per: layers, Open: plainly(calls(Layered(Pass, layers)))},
			{Name: "Go kit", Per: layers, Open: plainly(kitCalls(KitLayered(KitPass, layers)))},
			{Name: "by hand", Per: layers, Open: plainly(calls(HandLayered(HandPass, layers)))},
		},
		Rows: []measure.Row{
			{What: "a pass-through layer", Ours: "dowel", Peer: "Go kit", Budget: measure.Budget{Nanos: 3, NoAllocs: true}},
			{What: "a pass-through layer", Ours: "dowel", Peer: "by hand"},
		},
	}
}

// Layered returns [Greet] under n layers of a middleware.
func Layered(m endpoint.Middleware[Message, Message], n int) endpoint.Endpoint[Message, Message] {
	return endpoint.Chain(slices.Repeat([]endpoint.Middleware[Message, Message]{m}, n)...)(Greet)
}

// Pass is the middleware that does nothing.
func Pass[Req, Resp any](next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) { return next(ctx, req) }
}

// KitLayered is [Layered] with Go kit.
func KitLayered(m kit.Middleware, n int) kit.Endpoint {
	return kit.Chain(m, slices.Repeat([]kit.Middleware{m}, n-1)...)(KitGreet)
}

// KitPass is [Pass] with Go kit.
func KitPass(next kit.Endpoint) kit.Endpoint {
	return func(ctx context.Context, request any) (any, error) { return next(ctx, request) }
}

// Hand is an endpoint without any package.
type Hand = func(context.Context, Message) (Message, error)

// HandLayered is [Layered] without any package.
func HandLayered(m func(Hand) Hand, n int) Hand {
	e := Greet
	for range n {
		e = m(e)
	}
	return e
}

// HandPass is [Pass] without any package.
func HandPass(next Hand) Hand {
	return func(ctx context.Context, m Message) (Message, error) { return next(ctx, m) }
}
