// Package consul discovers and registers services in Consul.
//
//	client, err := api.NewClient(api.DefaultConfig()) // of github.com/hashicorp/consul/api
//	…
//	registrar, err := consul.NewRegistrar(client, "stringsvc")
//	…
//	registration, err := registrar.Register(ctx, sd.Instance{Addr: "192.0.2.7:8080"})
//	…
//	instances, err := consul.NewInstancer(client, "stringsvc")
//	…
//	for set, err := range instances.Watch(ctx) {
//		fmt.Println(set, err)
//	}
//
// # In Consul
//
// An instance is a service of the agent with the address, the port and, as the weight
// for passing, the weight of the instance. Zone and ID are in the service's meta beside
// Meta, under [MetaZone] and [MetaID]. Consul's own ID is
// "stringsvc:192.0.2.7:8080:NONCE": that of the instance, which may recur in other
// services, and a nonce, so that what one registration does never hits another. A
// process that died without a word thus leaves an entry beside that of its successor:
// critical when the TTL is over, gone after [RegisterCriticalAfter]. Of two entries of
// one instance a watch shows that which began last, by [MetaSince].
//
// Entries of others are read too: the ID is Consul's, and "ID@node" if the ID is the
// service's name or is used twice; the address is the service's, and without one the
// node's; the zone is in the meta or is the locality's.
//
// # In an outage
//
// A watch yields errors, one for each failed attempt, and the last set stands. Within
// 5 s of Consul's return it reads the set anew, from a leader that is up to date. An
// agent that hangs is [ErrSilent] after [WatchSilence], and in that time, or in half as
// much again if it comes to it in a row, a watch also finds out that there is news and
// its own connection is dead, or that the agent lost its data between two queries and
// counts anew. A query that has no answer after it was made anew twice is ErrSilent
// too, though the agent answers others. A watch needs new connections for that: with
// TLS all share one of HTTP/2, and it is for the client's transport to notice its death
// (HTTP2.SendPingTimeout of http.Transport). Errors to know beside those of the network:
// api.StatusError with 403, refused credentials, and with 500, "No cluster leader" or
// "Not ready to serve consistent reads"; [ErrHidden]. An anonymous client that may see
// nothing sees an empty set: Consul does not tell it more.
//
// A registration that the agent has forgotten is made again at the next heartbeat, a
// third of [RegisterTTL] later at most. One that could not send heartbeats for a TTL
// says so in its state, sends one as soon as the agent answers, and registers again
// only if that is refused. An entry that was taken out of the catalog past the agent is
// put back by the agent itself, at its next full synchronisation, a minute or two later.
// What reaches the agent late, when a process has given up on it, ends after a TTL.
//
// An instance that an operator has put into maintenance stays there when it is updated.
// Other checks that somebody has added to the service go then: an agent does not tell how
// a check is made, so that none can be repeated. A check of one's own is for
// [RegisterCheck].
//
// An agent that restarts with its data and was away for longer than the TTL shows its
// instances as critical until their next heartbeats, and one that lost its data shows
// none: sd.Stabilize rides that out.
//
// # What it costs
//
// Requests a second that N clients which watch make, and what each answer is:
//
//	steady state          N/56           the whole set
//	                      N/4.4          the index of the last change: a header
//	a change              N at once      the whole set
//	an instance flaps     2 N at most    the whole set
//	Consul away           N/2.5          none
//	after the outage      0.7 N at most  the whole set; N in all, the last within 5 s
//
// The last line also if the outage was a blip: the delays begin with 2 s, see [WatchBackoff].
// Of a service that nobody offers Consul tells when any other lost its last instance: a
// watch of it then asks anew, once for each. So does one whose instance took the name of
// another service.
//
// N registered instances make 0.23 N to their agents, heartbeats, which reach Consul's
// servers only if the state changes. TestCost, TestReturnOfConsul, TestHeartbeats and
// TestThousands measure these. A set of 5,000 takes about a second and, since the agent
// compresses, some 35 kB if the instances are much alike: [WatchWait] and
// [WatchPace] trade them for time, and sd.Share has one watch for many consumers. Each
// watch holds a connection, of which an agent accepts 200 from one address by default.
package consul
