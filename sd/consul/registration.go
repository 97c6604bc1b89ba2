package consul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// registration returns what the agent is told of an instance, or every reason why it
// would not take it.
func (e *entry) registration(in sd.Instance) (*api.AgentServiceRegistration, error) {
	o := &e.registrar.options
	// Each attempt is told from those before whose outcome is not known, by meta too.
	meta, err := writeMeta(in, e.since.Add(time.Duration(e.doubts)).Format(sinceFormat))
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
	r.Check, r.Checks = e.checks(in, r.ID)
	return r, nil
}

// checks returns the TTL check, or the user's and beside it a fuse: a TTL check that is
// taken out again once it is known that the registration stands. One that reaches the
// agent late, when nobody is there any more to take it out, ends with its fuse.
func (e *entry) checks(in sd.Instance, id string) (*api.AgentServiceCheck, api.AgentServiceChecks) {
	o := &e.registrar.options
	after := o.criticalAfter.String()
	e.checkID = fmt.Sprintf("service:%s:%d", id, e.doubts)
	ttl := &api.AgentServiceCheck{
		CheckID: e.checkID, Name: "Heartbeat", TTL: o.ttl.String(),
		Status: api.HealthPassing, DeregisterCriticalServiceAfter: after,
	}
	if o.check == nil {
		return ttl, nil
	}
	c := o.check(in)
	c.CheckID = cmp.Or(c.CheckID, "service:"+id)
	c.DeregisterCriticalServiceAfter = cmp.Or(c.DeregisterCriticalServiceAfter, after)
	ttl.Name = "Fuse"
	return &c, api.AgentServiceChecks{ttl}
}

// maintenance returns the check by which an operator has taken the instance out of
// service, if he has. To register takes out all checks that are not told, and what an
// operator says stands. Consul knows this one by its ID; it has to be of some kind, and
// one by TTL that begins as critical stays so.
func (e *entry) maintenance(ctx context.Context) (api.AgentServiceChecks, error) {
	if e.put == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.registrar.options.ttl/4)
	defer cancel()
	_, service, err := e.registrar.agent.AgentHealthServiceByIDOpts(e.put.ID, new(api.QueryOptions).WithContext(ctx))
	if _, failed := errors.AsType[*url.Error](err); failed {
		return nil, err
	}
	if err != nil || service == nil {
		return nil, nil // it is not there, or we may not know
	}
	for _, c := range service.Checks {
		if c.CheckID == api.ServiceMaintPrefix+e.put.ID {
			return api.AgentServiceChecks{{
				CheckID: c.CheckID, Name: c.Name, Notes: c.Notes, TTL: "87600h", Status: api.HealthCritical,
			}}, nil
		}
	}
	return nil, nil
}
