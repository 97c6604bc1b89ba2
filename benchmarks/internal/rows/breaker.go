package rows

import (
	"context"

	kitbreaker "github.com/go-kit/kit/circuitbreaker"
	kit "github.com/go-kit/kit/endpoint"
	gobreakerv1 "github.com/sony/gobreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

// failures in a row open each of the breakers.
const failures = 6

// Breakers compares circuit breakers that are closed.
func Breakers() measure.Group {
	return measure.Group{
		Name: "Circuit breaker",
		Note: "A call through a closed breaker: for information. All are gobreakers, and most of the time is its; " +
			"Go kit's is version 0.4. Ours also slides its window in ten parts, and by hand is that of one part.",
		Contestants: []measure.Contestant{
			{Name: "dowel", Open: plainly(calls(Broken(Greet)))},
			{Name: "Go kit", Open: plainly(kitCalls(KitBroken(KitGreet)))},
			{Name: "gobreaker by hand", Open: plainly(calls(HandBroken(Greet)))},
		},
		Rows: []measure.Row{
			{What: "a call", Ours: "dowel", Peer: "Go kit"},
			{What: "a call", Ours: "dowel", Peer: "gobreaker by hand"},
		},
	}
}

// Broken returns e behind a breaker.
func Broken(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return circuitbreaker.Break(e, circuitbreaker.New(service, circuitbreaker.TripAfter(failures)))
}

// KitBroken is [Broken] with Go kit.
func KitBroken(e kit.Endpoint) kit.Endpoint {
	return kitbreaker.Gobreaker(gobreakerv1.NewCircuitBreaker(gobreakerv1.Settings{
		ReadyToTrip: func(c gobreakerv1.Counts) bool { return c.ConsecutiveFailures >= failures },
	}))(e)
}

// HandBroken is [Broken] with gobreaker alone.
func HandBroken(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	b := gobreaker.NewCircuitBreaker[Message](gobreaker.Settings{
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
	})
	return func(ctx context.Context, m Message) (Message, error) {
		return b.Execute(func() (Message, error) { return e(ctx, m) })
	}
}
