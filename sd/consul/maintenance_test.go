package consul_test

import (
	"context"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// maintenance: an instance that an operator took out of service stays out when it says
// something else of itself, until he lets it in again.
func maintenance(t *testing.T, client *api.Client, service string, opts ...consul.RegisterOption) {
	o := operator{client, service}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i, r := pair(t, client, o.service, nil, opts)
	events := watch(ctx, i)
	sees(t, events, "{}")
	registration, err := r.Register(ctx, sd.Instance{ID: "a", Addr: "h:1"})
	if err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{a}")
	entry, err := o.entry("a")
	if err == nil {
		err = o.Agent().EnableServiceMaintenance(entry, "being looked at")
	}
	if err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{}")
	for weight := 7; weight < 9; weight++ {
		in := registration.Instance()
		in.Weight = weight
		if err := registration.Update(ctx, in); err != nil {
			t.Fatal(err)
		}
		_, health, err := o.Agent().AgentHealthServiceByID(entry)
		if err != nil || health == nil || health.AggregatedStatus != api.HealthMaint || health.Service.Weights.Passing != weight {
			t.Errorf("after an update of the weight to %d its health is %+v: %v", weight, health, err)
		}
	}
	if err := o.Agent().DisableServiceMaintenance(entry); err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{a}")
	if err := registration.Deregister(ctx); err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{}")
}

// always is a check of Consul's own that passes.
func always(sd.Instance) api.AgentServiceCheck {
	return api.AgentServiceCheck{TTL: "10m", Status: api.HealthPassing}
}
