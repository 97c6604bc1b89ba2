package metrics

import (
	"context"

	"github.com/dowelkit/dowel/lb"
)

var (
	retries = &quantity{
		"dowel.retry.attempts", "{attempt}", "Attempts made after the first of a call.", counter,
	}
	stopped = &quantity{
		"dowel.retry.stopped_calls", "{call}", "Failed calls that were not tried again.", counter,
	}
	hedges = &quantity{
		"dowel.hedge.attempts", "{attempt}", "Second attempts made at slow calls.", counter,
	}
	hedgesWon = &quantity{
		"dowel.hedge.won_attempts", "{attempt}", "Second attempts that had the answer.", counter,
	}
	hedgesDenied = &quantity{
		"dowel.hedge.denied_attempts", "{attempt}", "Second attempts that the budget did not allow.", counter,
	}
	attempts = &sort{[]*quantity{retries, stopped, hedges, hedgesWon, hedgesDenied}}

	balance = &quantity{
		"dowel.retry.budget.balance", "{attempt}", "Number of further attempts that are allowed now.", amount,
	}
	budgets = &sort{[]*quantity{balance}}

	stops = map[error]string{
		lb.ErrAttempts: "attempts", lb.ErrBudget: "budget", lb.ErrFinal: "final", lb.ErrNoTime: "no_time",
		lb.ErrRetryAfter: "retry_after", lb.ErrMarked: "marked", context.Canceled: "context",
	}
)

// Retries observes what [lb.Retry] and [lb.Hedge] do, if they count in a: further
// attempts, second ones that had the answer or that the budget did not allow, and the
// calls that were given up, by [ReasonKey]: attempts, budget, final, no_time,
// retry_after, marked or context. The rest is as for [Balancer].
func Retries(a *lb.Attempts, name string, opts ...Option) {
	observePart("Retries", "the count of attempts", a != nil, name, opts, attempts, func(config) reading {
		return func(tell tell) {
			tell(retries, float64(a.Retries()))
			tell(hedges, float64(a.Hedges()))
			tell(hedgesWon, float64(a.HedgesWon()))
			tell(hedgesDenied, float64(a.HedgesDenied()))
			for err, reason := range stops {
				tell(stopped, float64(a.Stopped(err)), ReasonKey.String(reason))
			}
		}
	})
}

// Budget observes how many further attempts a budget of retries and hedges allows. The
// rest is as for [Balancer].
func Budget(b *lb.Budget, name string, opts ...Option) {
	observePart("Budget", "the budget", b != nil, name, opts, budgets, func(config) reading {
		return func(tell tell) { tell(balance, b.Balance()) }
	})
}
