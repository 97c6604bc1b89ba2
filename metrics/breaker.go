package metrics

import "github.com/dowelkit/dowel/circuitbreaker"

var (
	circuitsInState = &quantity{
		"dowel.breaker.circuits", "{circuit}", "Number of circuit breakers in the state.", level,
	}
	circuitRefusals = &quantity{
		"dowel.breaker.refused_calls", "{call}", "Calls that a circuit breaker refused.", counter,
	}
	circuits = &sort{[]*quantity{circuitsInState, circuitRefusals}}

	probability = &quantity{
		"dowel.throttle.probability", "1", "Probability that the next call is refused.", gauge,
	}
	throttleRefusals = &quantity{
		"dowel.throttle.refused_calls", "{call}", "Calls that a throttle refused.", counter,
	}
	throttles = &sort{[]*quantity{probability, throttleRefusals}}

	circuitStates = []circuitbreaker.State{
		circuitbreaker.Closed, circuitbreaker.HalfOpen, circuitbreaker.Open,
		circuitbreaker.ForcedOpen, circuitbreaker.ForcedClosed,
	}
)

// Circuit observes a circuit breaker: its state, as the number of circuits by
// [StateKey], and the calls it refused. The name is not the circuit's own: those of all
// instances of a service share one, so that there are five series whatever their number,
// and one that a dial makes is observed [Until] its context ends. The rest is as for
// [Balancer].
func Circuit(b *circuitbreaker.Circuit, name string, opts ...Option) {
	observePart("Circuit", "the circuit", b != nil, name, opts, circuits, func(config) reading {
		return func(tell tell) {
			now := b.State()
			for _, state := range circuitStates {
				tell(circuitsInState, one(now == state), StateKey.String(state.String()))
			}
			tell(circuitRefusals, float64(b.Refused()))
		}
	})
}

// Throttler observes a throttler: the probability by which it refuses the next call, of
// several of one name the greatest, and the calls it refused. The rest is as for
// [Circuit].
func Throttler(b *circuitbreaker.Throttler, name string, opts ...Option) {
	observePart("Throttler", "the throttler", b != nil, name, opts, throttles, func(config) reading {
		return func(tell tell) {
			tell(probability, b.Probability())
			tell(throttleRefusals, float64(b.Refused()))
		}
	})
}
