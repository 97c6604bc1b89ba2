package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

func TestConformance(t *testing.T) {
	const ttl = 30 * time.Second
	var registry *memory.Registry
	sdtest.Run(t, sdtest.Harness{
		InProcess: true,
		Lease:     ttl,
		Must: []sdtest.Fault{
			sdtest.Refused, sdtest.Outage, sdtest.LoseData, sdtest.Expire, sdtest.Delete, sdtest.Kill,
		},
		New: func(t *testing.T, service string) sdtest.Service {
			if registry == nil {
				registry = memory.NewRegistry()
				t.Cleanup(func() { registry = nil })
			}
			faults := registry.Faults()
			refusing := memory.NewRegistry()
			refusing.Faults().Outage(sd.Permanent(errors.New("the credentials are refused")))
			is := func(t *testing.T, ok bool) {
				if !ok {
					t.Error("the fault found no entry")
				}
			}
			return sdtest.Service{
				Instancer: registry.Instancer(service),
				Registrar: registry.Registrar(service, memory.TTL(ttl)),
				Refused:   refusing.Registrar(service),
				Outage: func(*testing.T) func() {
					faults.Outage(errors.New("the registry is down"))
					return faults.Restore
				},
				LoseData: func(*testing.T) { faults.LoseData() },
				Expire:   func(t *testing.T, id string) { is(t, faults.Expire(service, id)) },
				Delete:   func(t *testing.T, id string) { is(t, faults.Delete(service, id)) },
				Kill:     func(t *testing.T, id string) { is(t, faults.Kill(service, id)) },
			}
		},
	})
}
