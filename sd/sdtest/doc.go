// Package sdtest checks that an [sd.Instancer] and an [sd.Registrar] keep the
// promises of package sd, in a registry's failures too. Third parties' adapters
// are as welcome as our own.
//
//	func TestConformance(t *testing.T) {
//		sdtest.Run(t, sdtest.Harness{
//			New: func(t *testing.T, service string) sdtest.Service {
//				return sdtest.Service{
//					Instancer: myregistry.NewInstancer(client, service),
//					Registrar: myregistry.NewRegistrar(client, service),
//					Outages: map[string]func(*testing.T) func(){
//						"killed": func(*testing.T) func() { server.Kill(); return server.Start },
//						"paused": func(*testing.T) func() { server.Pause(); return server.Resume },
//					},
//				}
//			},
//			Lease:    3 * time.Second,
//			Parallel: 8,
//			Shared:   []sdtest.Fault{sdtest.Outage},
//			Must:     []sdtest.Fault{sdtest.Outage},
//		})
//	}
//
// A registry inside the process is tested in bubbles of testing/synctest, where
// waiting costs nothing. A real server is polled until a deadline, by as many
// cases at once as the harness allows. What a Service cannot do is skipped,
// unless it must.
//
// A registrant that is killed is a process of its own, if the Service says by Process
// where it registers. The suite starts the test binary again for that:
//
//	func TestMain(m *testing.M) {
//		sdtest.Registrant(func(process string) (sd.Registrar, error) {
//			return myregistry.NewRegistrar(connect(process))
//		})
//		os.Exit(m.Run())
//	}
//
// The log ends with a table of how long the registry took for what: until a
// registration was seen, until an outage was noticed, until all was as before.
package sdtest
