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
//					Outage:    func(t *testing.T) func() { server.Stop(); return server.Start },
//				}
//			},
//			Must: []sdtest.Fault{sdtest.Outage},
//		})
//	}
//
// A registry inside the process is tested in bubbles of testing/synctest, where
// waiting costs nothing. A real server is polled until a deadline.
package sdtest
