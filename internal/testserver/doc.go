// Package testserver holds servers for tests. They listen on loopback, on ports of
// the system's choice, and end with the test.
//
// Real servers are processes of their own, which a test kills, pauses and starts
// again. They are made on first use, once per machine: see package servers beside
// this one.
//
//	server := testserver.NewEtcd(t)
//	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Addr()}})
//	server.Kill()
//	server.Start()
//
// A name server misbehaves on demand:
//
//	server := testserver.NewDNS(t)
//	server.Set("_http._tcp.web.test.", testserver.SRV{Port: 80, Target: "a.web.test."})
//	server.Behave(testserver.ServFail)
//	_, records, err := server.Resolver().LookupSRV(ctx, "", "", "_http._tcp.web.test.")
package testserver
