// Package testserver holds small servers for tests, made of the standard library
// only. They listen on loopback, on a port of the system's choice, and end with
// the test.
//
//	server := testserver.NewDNS(t)
//	server.Set("_http._tcp.web.test.", testserver.SRV{Port: 80, Target: "a.web.test."})
//	server.Behave(testserver.ServFail)
//	_, records, err := server.Resolver().LookupSRV(ctx, "", "", "_http._tcp.web.test.")
package testserver
