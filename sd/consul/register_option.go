package consul

import (
	"errors"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// RegisterOption changes how a Registrar registers.
type RegisterOption func(*registerOptions)

type registerOptions struct {
	ttl           time.Duration
	check         func(sd.Instance) api.AgentServiceCheck
	noCheck       bool // RegisterCheck was given nil
	tags          []string
	criticalAfter time.Duration
	keep          []sd.KeepOption
}

// RegisterTTL sets after what time without a heartbeat Consul no longer shows the
// instance as passing. Three heartbeats are sent in that time. d must be at least
// 1 s; the default is 15 s. With [RegisterCheck] it says instead how often the agent
// is asked whether it still knows the instance: three times in d.
func RegisterTTL(d time.Duration) RegisterOption { return func(o *registerOptions) { o.ttl = d } }

// RegisterCheck has Consul itself check the instance, over HTTP, gRPC or TCP say, in
// place of heartbeats. f returns the check of an instance and must be safe for
// concurrent use. While an instance is being registered it has a TTL check beside this
// one, of [RegisterTTL], which is taken out as soon as the agent has answered. Consul takes a check without Status for critical until it was made
// for the first time, and until then the instance is not seen.
func RegisterCheck(f func(in sd.Instance) api.AgentServiceCheck) RegisterOption {
	return func(o *registerOptions) { o.check, o.noCheck = f, f == nil }
}

// RegisterTags gives the instances these tags.
func RegisterTags(tags ...string) RegisterOption {
	tags = slices.Clone(tags)
	return func(o *registerOptions) { o.tags = append(o.tags, tags...) }
}

// RegisterCriticalAfter sets after what time in the state critical Consul takes an
// instance out for good, whose process died without a word. Should it live it
// registers again. d must be at least 1 min, which is the default: Consul does not
// go below. A check of [RegisterCheck] that says so itself has precedence.
func RegisterCriticalAfter(d time.Duration) RegisterOption {
	return func(o *registerOptions) { o.criticalAfter = d }
}

// RegisterKeep changes how registrations are supervised; see [sd.Keep]. The default
// is a backoff of 100 ms to 4 s.
func RegisterKeep(opts ...sd.KeepOption) RegisterOption {
	opts = slices.Clone(opts)
	return func(o *registerOptions) { o.keep = append(o.keep, opts...) }
}

func newRegisterOptions(m *misuse, opts []RegisterOption) (registerOptions, error) {
	o := registerOptions{
		ttl: 15 * time.Second, criticalAfter: time.Minute,
		keep: []sd.KeepOption{sd.KeepBackoff(sd.Backoff{Cap: 4 * time.Second})},
	}
	apply(m, &o, opts)
	m.add(o.ttl < time.Second, "RegisterTTL must be at least 1s, not %v", o.ttl)
	m.add(o.criticalAfter < time.Minute, "RegisterCriticalAfter must be at least 1m, not %v", o.criticalAfter)
	m.add(o.noCheck, "the function of RegisterCheck is nil")
	if slices.Contains(o.tags, "") {
		return o, errors.New("consul: a tag is empty")
	}
	return o, nil
}
