package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

// TestConformance has every fault but Process: a process that is killed takes this
// registry along. That entries end with their leases when nobody renews them is shown by
// Kill.
func TestConformance(t *testing.T) {
	const ttl = 30 * time.Second
	var registry *memory.Registry
	sdtest.Run(t, sdtest.Harness{
		InProcess: true,
		Lease:     ttl,
		Must: []sdtest.Fault{
			sdtest.Twin, sdtest.Refused, sdtest.RefusedWatch, sdtest.Outage, sdtest.Cut, sdtest.LoseData,
			sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Malformed, sdtest.Close,
		},
		New: func(t *testing.T, service string) sdtest.Service {
			if registry == nil {
				registry = memory.NewRegistry()
				t.Cleanup(func() { registry = nil })
			}
			return newService(registry, service, ttl)
		},
	})
}

func newService(registry *memory.Registry, service string, ttl time.Duration) sdtest.Service {
	client, faults := registry.Client(), registry.Faults()
	refusing := memory.NewRegistry()
	refusing.Faults().Outage(sd.Permanent(errors.New("the credentials are refused")))
	found := func(t *testing.T, ok bool) {
		if !ok {
			t.Error("the fault found no entry")
		}
	}
	pair := func() (sd.Instancer, sd.Registrar) {
		return client.Instancer(service), client.Registrar(service, memory.TTL(ttl))
	}
	cut := func(d memory.Direction) func(*testing.T) func() {
		return func(*testing.T) func() { client.Cut(d); return client.Heal }
	}
	instancer, registrar := pair()
	return sdtest.Service{
		Instancer:    instancer,
		Registrar:    registrar,
		Twin:         pair,
		Peer:         registry.Registrar(service, memory.TTL(ttl)),
		Refused:      refusing.Registrar(service),
		RefusedWatch: refusing.Instancer(service),
		Outages: map[string]func(*testing.T) func(){
			"down": func(*testing.T) func() {
				faults.Outage(errors.New("the registry is down"))
				return faults.Restore
			},
		},
		Cuts: map[string]func(*testing.T) func(){
			"requests": cut(memory.Requests),
			"replies":  cut(memory.Replies),
			"both":     cut(memory.Requests | memory.Replies),
		},
		LoseData: func(*testing.T) { faults.LoseData() },
		Expire:   func(t *testing.T, id string) { found(t, faults.Expire(service, id)) },
		Delete:   func(t *testing.T, id string) { found(t, faults.Delete(service, id)) },
		Kill:     func(t *testing.T, id string) { found(t, faults.Kill(service, id)) },
		Malformed: map[string]func(*testing.T) func(){
			"garbage": func(t *testing.T) func() {
				faults.Malform(service, "ab", errors.New("the entry ab is garbage"))
				return func() { found(t, faults.Delete(service, "ab")) }
			},
		},
		Close: func(*testing.T) { client.Close() },
	}
}
