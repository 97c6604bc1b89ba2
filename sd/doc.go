// Package sd is service discovery: who is there, and a client for each.
//
//	instances, err := dns.NewInstancer("_http._tcp.stringsvc.internal") // or of static, consul, etcd, your own
//	…
//	clients := sd.NewEndpointer(instances, stringsvc.Dial) // one client per live instance
//	defer clients.Close()
//
// An [Instancer] says who is there: it is watched with a range loop. A
// [Registrar] says "I am here" and keeps saying it. An [Endpointer] keeps one
// client per live instance for a balancer to choose from. Between them go
// functions from Instancer to Instancer: [Merge], [Filter], [Subset],
// [Stabilize], [Fallback], [HealthCheck] and [Share].
//
// The outage of a registry is never an outage of the service: the last known set
// stands until a newer one is known, and errors are reported beside it.
//
// The package imports nothing but the standard library.
package sd
