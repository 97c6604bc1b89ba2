package sd_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

// A combinator round a sound registry is a sound registry.
func TestCombinatorsConform(t *testing.T) {
	const ttl = 30 * time.Second
	for name, combine := range combinators {
		if name == "Subset" {
			combine = func(a sd.Instancer) sd.Instancer { return sd.Subset(a, 10_000, "client") }
		}
		t.Run(name, func(t *testing.T) {
			var registry *memory.Registry
			sdtest.Run(t, sdtest.Harness{
				InProcess: true,
				Lease:     ttl,
				Many:      100,
				Must: []sdtest.Fault{
					sdtest.Outage, sdtest.Cut, sdtest.LoseData, sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Malformed, sdtest.Close,
				},
				New: func(t *testing.T, service string) sdtest.Service {
					if registry == nil {
						registry = memory.NewRegistry()
						t.Cleanup(func() { registry = nil })
					}
					faults, client := registry.Faults(), registry.Client()
					return sdtest.Service{
						Instancer: combine(client.Instancer(service)),
						Registrar: client.Registrar(service, memory.TTL(ttl)),
						Peer:      registry.Registrar(service, memory.TTL(ttl)),
						Outages: map[string]func(*testing.T) func(){
							"down": func(*testing.T) func() {
								faults.Outage(errors.New("down"))
								return faults.Restore
							},
						},
						Cuts: map[string]func(*testing.T) func(){
							"both": func(*testing.T) func() {
								client.Cut(memory.Requests | memory.Replies)
								return client.Heal
							},
						},
						LoseData: func(*testing.T) { faults.LoseData() },
						Expire:   func(_ *testing.T, id string) { faults.Expire(service, id) },
						Delete:   func(_ *testing.T, id string) { faults.Delete(service, id) },
						Kill:     func(_ *testing.T, id string) { faults.Kill(service, id) },
						Malformed: map[string]func(*testing.T) func(){
							"garbage": func(*testing.T) func() {
								faults.Malform(service, "ab", errors.New("the entry ab is garbage"))
								return func() { faults.Delete(service, "ab") }
							},
						},
						Close: func(*testing.T) { client.Close() },
					}
				},
			})
		})
	}
}
