package rows

import (
	"time"

	kit "github.com/go-kit/kit/endpoint"
	kitsd "github.com/go-kit/kit/sd"
	kitlb "github.com/go-kit/kit/sd/lb"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// Retries compares calls that succeed at once.
func Retries() measure.Group {
	return measure.Group{
		Name: "Retry, untroubled",
		Note: "A call that succeeds at once, through Retry and a round robin over three instances. Go kit's Retry " +
			"always has a timeout; ours has one in the second line.",
		Contestants: []measure.Contestant{
			{Name: "dowel", Open: balanced(Retry)},
			{Name: "Go kit", Open: openKitRetry},
			{Name: "dowel, with a timeout", Open: balanced(RetryInTime)},
			{Name: "the same call without Retry", Open: balanced(Pass)},
		},
		Rows: []measure.Row{
			{What: "Retry", Ours: "dowel", Peer: "Go kit", Budget: measure.Budget{Ratio: 0.1, NoAllocs: true}},
			{What: "Retry with a timeout per attempt", Ours: "dowel, with a timeout", Peer: "Go kit"},
			{What: "Retry", Ours: "dowel", Peer: "the same call without Retry"},
		},
	}
}

// balanced opens calls of [Greet] on three instances in turn.
func balanced(wrap endpoint.Middleware[Message, Message]) func() (measure.Loop, func(), error) {
	return func() (measure.Loop, func(), error) {
		c, err := NewCluster(3)
		if err != nil {
			return nil, nil, err
		}
		e := lb.Endpoint(lb.New(c.Endpointer, lb.RoundRobin()), (*Client).Greet)
		return calls(wrap(e)), c.Close, nil
	}
}

// Retry tries three times.
func Retry(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return lb.Retry(e, lb.MaxAttempts(3), lb.Idempotent())
}

// RetryInTime is [Retry] with a bound on each attempt.
func RetryInTime(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return lb.Retry(e, lb.MaxAttempts(3), lb.Idempotent(), lb.AttemptTimeout(time.Second))
}

func openKitRetry() (measure.Loop, func(), error) {
	e, err := NewKitEndpointer(kitsd.FixedInstancer(addrs(3)), 3)
	if err != nil {
		return nil, nil, err
	}
	return kitCalls(KitRetry(kitlb.NewRoundRobin(e))), e.Close, nil
}

// KitRetry is [Retry] with Go kit.
func KitRetry(b kitlb.Balancer) kit.Endpoint { return kitlb.Retry(3, time.Second, b) }
