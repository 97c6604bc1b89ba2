// Package circuitbreaker stops calls to an instance that fails, and probes it
// until it is well again.
//
//	breaker := circuitbreaker.New(instance.ID)
//	uppercase := circuitbreaker.Break(client.Uppercase, breaker)
//
// It belongs round the endpoints of one instance's client, inside the dial
// function, so that one bad instance does not stop the calls to the others. One
// breaker may serve all endpoints of an instance.
//
// [New] makes a breaker that knows what this toolkit counts. A two-step breaker
// of github.com/sony/gobreaker/v2 fits as it is, but its Settings need [IsExcluded], and
// an Interval longer than the longest call: a call that outlasts it is never counted, so
// an instance that hangs does not open the breaker. A breaker made by New has no such
// bound, see [Window].
//
// [Throttle] does without open and closed: it refuses a share of the calls that
// grows as fewer are accepted, which suits a server that sheds load. An operator
// can force either of the two: see [Circuit.Force] and [Throttler.Force].
//
// What counts as failure is [endpoint.Fault]. A call that the caller cancelled,
// or that was refused on this side, counts neither way: it says nothing of the
// instance.
package circuitbreaker
