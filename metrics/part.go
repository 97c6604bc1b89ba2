package metrics

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
)

// The attributes of parts, for which the semantic conventions have no names.
const (
	NameKey     = attribute.Key("dowel.name")     // the name that a part is observed by
	InstanceKey = attribute.Key("dowel.instance") // the ID of an instance, or OtherInstances
	StateKey    = attribute.Key("dowel.state")    // of a circuit breaker
	ReasonKey   = attribute.Key("dowel.reason")   // why something is so
	DecisionKey = attribute.Key("dowel.decision") // of a limiter
	ClassKey    = attribute.Key("dowel.priority") // of the calls
)

// OtherInstances stands for all instances beyond the bound that [Instances] sets, and for
// those of balancers that are observed no more, see [Until].
const OtherInstances = "_other"

// Until ends the observation of a part with ctx, for those that come and go: the
// context that a dial gets ends with the client's instance. What it counted stays in
// the sum of those that have its name, that of instances as of [OtherInstances]. By
// default it is observed as long as the provider lives, and not freed.
func Until(ctx context.Context) Option {
	return func(c *config) error {
		c.until = ctx
		return unless(ctx != nil, "the context is nil")
	}
}

// Instances sets of how many instances [Balancer] tells one by one. The default is 100,
// and 0 means none. Those beyond are told together as [OtherInstances]. The bound is that
// of one balancer: several of one name may have that many each.
func Instances(n int) Option {
	return func(c *config) error {
		c.instances, c.bounded = n, true
		if n < 0 {
			return fmt.Errorf("the number of instances must not be negative: %d", n)
		}
		return nil
	}
}

// observePart observes one, unless nothing is to be measured.
func observePart(function, what string, has bool, name string, opts []Option, of *sort, read func(config) reading) {
	c := configure(function, what, has, name, opts, func(c *config) error {
		if c.bounded && of != balancers {
			return errors.New("Instances is for Balancer")
		}
		return nil
	})
	if !c.source.off() {
		c.source.group(of, append([]attribute.KeyValue{NameKey.String(name)}, c.attrs...)).add(c.until, read(c))
	}
}
