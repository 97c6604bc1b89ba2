package metrics

import (
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

var (
	picks = &quantity{
		"dowel.balancer.picks", "{call}", "Calls that an instance was picked for.", counter,
	}
	balanced = &quantity{
		"dowel.balancer.active_calls", "{call}", "Number of calls in flight on the instances of the set.", level,
	}
	ejected = &quantity{
		"dowel.balancer.ejected_instances", "{instance}", "Number of instances that get no calls because they fail.", level,
	}
	instancePicks = &quantity{
		"dowel.balancer.instance.picks", "{call}", "Calls that the instance was picked for.", counter,
	}
	instanceBalanced = &quantity{
		"dowel.balancer.instance.active_calls", "{call}", "Number of calls in flight on the instance.", level,
	}
	balancers = &sort{[]*quantity{picks, balanced, ejected, instancePicks, instanceBalanced}}

	ejectCauses = []lb.EjectCause{lb.ConsecutiveFaults, lb.LowSuccessRate, lb.FailedProbe}
)

// Balancer observes a balancer: the picks, the calls in flight on the instances of the
// set, both by instance too, and how many instances are ejected, by [ReasonKey]. What
// drains on an instance that has left the set is not in flight here. Of the instances it
// tells at most as many as [Instances] says. Balancers that share an endpointer share its
// counts, so that only one of them is to be observed.
//
// It reads what the balancer knows when metrics are collected; calls cost what they
// did. Without a [Provider] it does nothing. It panics if the balancer is nil, the name
// is empty, or an option is nil or out of range.
func Balancer[C any](b *lb.Balancer[C], name string, opts ...Option) {
	observePart("Balancer", "the balancer", b != nil, name, opts, balancers, func(c config) reading {
		e, each := b.Endpointer(), newInstances(c)
		return func(tell tell) {
			nodes := e.Set().Nodes()
			each.read(nodes, tell)
			tell(picks, float64(e.Entered()))
			tell(balanced, float64(active(nodes)))
			out := map[lb.EjectCause]int{}
			for _, one := range b.Ejected() {
				out[one.Cause]++
			}
			for _, cause := range ejectCauses {
				tell(ejected, float64(out[cause]), ReasonKey.String(snake(cause.String())))
			}
		}
	})
}

func active(nodes []*sd.Node) (n int64) {
	for _, node := range nodes {
		n += node.InFlight()
	}
	return n
}
