package metrics

import (
	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/ratelimit"
)

var (
	decisions = &quantity{
		"dowel.limiter.calls", "{call}", "Calls that a limiter decided about.", counter,
	}
	limiters = &sort{[]*quantity{decisions}}

	waiting = &quantity{
		"dowel.limiter.waiting_calls", "{call}", "Number of calls that wait for a permit.", level,
	}
	queues = &sort{[]*quantity{waiting}}

	keys = &quantity{
		"dowel.limiter.keys", "{key}", "Number of callers that have a limiter of their own.", level,
	}
	evictions = &quantity{
		"dowel.limiter.evicted_keys", "{key}", "Callers that were forgotten because there were too many.", counter,
	}
	keyeds = &sort{[]*quantity{keys, evictions}}

	limit = &quantity{
		"dowel.concurrency.limit", "{call}", "Number of calls that may run at once now.", level,
	}
	running = &quantity{
		"dowel.concurrency.active_calls", "{call}", "Number of calls that run.", level,
	}
	crowded = &quantity{
		"dowel.concurrency.refused_calls", "{call}", "Calls that were refused because too many ran.", counter,
	}
	concurrencies = &sort{[]*quantity{limit, running, crowded}}

	classes = []call.Criticality{call.Sheddable, call.SheddablePlus, call.Critical, call.CriticalPlus}
)

// Limiter observes what a limiter decided, if it counts in stats, by [DecisionKey]:
// admitted, refused, or canceled by the caller. The rest is as for [Balancer].
func Limiter(stats *ratelimit.Stats, name string, opts ...Option) {
	observePart("Limiter", "the count of calls", stats != nil, name, opts, limiters, func(config) reading {
		return func(tell tell) {
			tell(decisions, float64(stats.Admitted()), DecisionKey.String("admitted"))
			tell(decisions, float64(stats.Refused()), DecisionKey.String("refused"))
			tell(decisions, float64(stats.Canceled()), DecisionKey.String("canceled"))
		}
	})
}

// Queue observes how many calls wait in a line. The rest is as for [Balancer].
func Queue(q *ratelimit.Queue, name string, opts ...Option) {
	observePart("Queue", "the queue", q != nil, name, opts, queues, func(config) reading {
		return func(tell tell) { tell(waiting, float64(q.Len())) }
	})
}

// Keyed observes how many callers have a limiter of their own, and how many were
// forgotten because there were too many. The rest is as for [Balancer].
func Keyed(k *ratelimit.Keyed, name string, opts ...Option) {
	observePart("Keyed", "the set of limiters", k != nil, name, opts, keyeds, func(config) reading {
		return func(tell tell) {
			tell(keys, float64(k.Len()))
			tell(evictions, float64(k.Evictions()))
		}
	})
}

// Concurrency observes an adaptive limit: its value, the calls that run, and those that
// it refused, by [ClassKey]. The rest is as for [Balancer].
func Concurrency(l *ratelimit.Concurrency, name string, opts ...Option) {
	observePart("Concurrency", "the limit", l != nil, name, opts, concurrencies, func(config) reading {
		return func(tell tell) {
			tell(limit, float64(l.Limit()))
			tell(running, float64(l.InFlight()))
			for _, class := range classes {
				tell(crowded, float64(l.Refused(class)), ClassKey.String(class.String()))
			}
		}
	})
}
