package consul

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// registration returns what the agent is told of an instance, or every reason why it
// would not take it.
func (e *entry) registration(in sd.Instance) (*api.AgentServiceRegistration, error) {
	o := &e.registrar.options
	meta, err := writeMeta(in, e.since)
	if in.Weight > maxWeight {
		err = errors.Join(err, fmt.Errorf("the weight %d is above %d", in.Weight, maxWeight))
	}
	if err != nil {
		return nil, fmt.Errorf("consul: instance %.100q: %w", in.ID, err)
	}
	host, port, err := net.SplitHostPort(in.Addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	r := &api.AgentServiceRegistration{
		ID: serviceID(e.registrar.service, in.ID, e.nonce), Name: e.registrar.service,
		Address: host, Port: number, Tags: o.tags, Meta: meta,
		Weights: &api.AgentWeights{Passing: max(1, in.Weight), Warning: 1},
	}
	r.Check = e.check(in, r.ID)
	return r, nil
}

func (e *entry) check(in sd.Instance, id string) *api.AgentServiceCheck {
	o := &e.registrar.options
	after := o.criticalAfter.String()
	if o.check != nil {
		c := o.check(in)
		if c.DeregisterCriticalServiceAfter == "" {
			c.DeregisterCriticalServiceAfter = after
		}
		return &c
	}
	e.checkID = fmt.Sprintf("service:%s:%d", id, e.doubts)
	return &api.AgentServiceCheck{
		CheckID: e.checkID, Name: "Heartbeat", TTL: o.ttl.String(),
		Status: api.HealthPassing, DeregisterCriticalServiceAfter: after,
	}
}
