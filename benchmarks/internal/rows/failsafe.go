package rows

import (
	"context"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// Failsafes compares retries and hedges of calls that succeed at once with those of
// failsafe-go.
func Failsafes() measure.Group {
	none := measure.Budget{Ratio: 1, NoAllocs: true}
	return measure.Group{
		Name: "Retry and Hedge beside failsafe-go",
		Note: "A call that succeeds at once, for both round the same round robin over three instances. The hedges would " +
			"come after a second.",
		Contestants: []measure.Contestant{
			{Name: "Retry", Open: balanced(Retry)},
			{Name: "failsafe-go's retry", Open: balanced(FailsafeRetry)},
			{Name: "Hedge", Open: balanced(Hedge)},
			{Name: "failsafe-go's hedge", Open: balanced(FailsafeHedge)},
			{Name: "the same call alone", Open: balanced(Pass)},
		},
		Rows: []measure.Row{
			{What: "Retry", Ours: "Retry", Peer: "failsafe-go's retry", Budget: none},
			{What: "Hedge", Ours: "Hedge", Peer: "failsafe-go's hedge", Budget: measure.Budget{Ratio: 1}},
			{What: "Retry", Ours: "Retry", Peer: "the same call alone"},
			{What: "Hedge", Ours: "Hedge", Peer: "the same call alone"},
		},
	}
}

// Hedge makes a second attempt after a second.
func Hedge(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return lb.Hedge(e, lb.HedgeAfter(time.Second))
}

// FailsafeRetry is [Retry] with failsafe-go.
func FailsafeRetry(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return failsafed(e, retrypolicy.NewBuilder[Message]().WithMaxAttempts(3).Build())
}

// FailsafeHedge is [Hedge] with failsafe-go.
func FailsafeHedge(e endpoint.Endpoint[Message, Message]) endpoint.Endpoint[Message, Message] {
	return failsafed(e, hedgepolicy.NewWithDelay[Message](time.Second))
}

func failsafed(e endpoint.Endpoint[Message, Message], p failsafe.Policy[Message]) endpoint.Endpoint[Message, Message] {
	executor := failsafe.With(p)
	return func(ctx context.Context, m Message) (Message, error) {
		return executor.WithContext(ctx).GetWithExecution(func(exec failsafe.Execution[Message]) (Message, error) {
			return e(exec.Context(), m)
		})
	}
}
