// Package lb decides which instance serves a call, and what to do when it does
// not.
//
//	clients := sd.NewEndpointer(instances, stringsvc.Dial)
//	balancer := lb.New(clients, lb.LeastRequest())
//	uppercase := lb.Endpoint(balancer, (*stringsvc.Client).Uppercase) // a method expression
//	uppercase = lb.Retry(uppercase, lb.MaxAttempts(3), lb.Idempotent())
//
// A [Balancer] picks one live instance per call by a [Strategy]: [Random],
// [RoundRobin], [WeightedRoundRobin], [LeastRequest], [PeakEWMA], [ConsistentHash],
// [LeastLoaded] or one of your own. Round any of them go [Eject], [SlowStart] and
// [Zone]. A strategy is an interface of one method; a pick takes no lock and
// allocates nothing. Weights are those of sd.Instance, where zero and less mean 1; all
// but Random and RoundRobin heed them. [Seeded] makes what is drawn at random
// repeatable, for tests.
//
// What lasts as long as its two ends want, a stream say, is leased by [Balancer.Open], or
// by [Lease.Answered] once that is known, so that its length is no latency.
//
// [Retry] tries a failed call again on another instance, [Hedge] asks another when
// the first is slow; they share a [Budget].
package lb
