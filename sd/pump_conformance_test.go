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
				Must:      []sdtest.Fault{sdtest.Outage, sdtest.LoseData, sdtest.Expire, sdtest.Delete, sdtest.Kill},
				New: func(t *testing.T, service string) sdtest.Service {
					if registry == nil {
						registry = memory.NewRegistry()
						t.Cleanup(func() { registry = nil })
					}
					faults := registry.Faults()
					return sdtest.Service{
						Instancer: combine(registry.Instancer(service)),
						Registrar: registry.Registrar(service, memory.TTL(ttl)),
						Outage: func(*testing.T) func() {
							faults.Outage(errors.New("down"))
							return faults.Restore
						},
						LoseData: func(*testing.T) { faults.LoseData() },
						Expire:   func(_ *testing.T, id string) { faults.Expire(service, id) },
						Delete:   func(_ *testing.T, id string) { faults.Delete(service, id) },
						Kill:     func(_ *testing.T, id string) { faults.Kill(service, id) },
					}
				},
			})
		})
	}
}
