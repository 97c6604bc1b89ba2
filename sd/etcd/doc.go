// Package etcd discovers and registers services in etcd.
//
//	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}})
//	…
//	registrar, err := etcd.NewRegistrar(client, "/services/stringsvc")
//	…
//	registration, err := registrar.Register(ctx, sd.Instance{ID: "one", Addr: "10.0.0.1:8080"})
//	…
//	defer registration.Deregister(context.Background())
//
//	instances, err := etcd.NewInstancer(client, "/services/stringsvc")
//	…
//	for set, err := range instances.Watch(ctx) { … }
//
// # What is in etcd
//
// An instance is one key, /services/stringsvc/one: the prefix, a slash, and the ID,
// in which a slash is written %2F and a percent sign %25. Deeper keys belong to
// others. The value is JSON of at most 64 KiB, and the key has a lease of 15 s:
//
//	{"addr": "10.0.0.1:8080", "weight": 3, "zone": "a", "meta": {"k": "v"}, "generation": 1763638200000000}
//
// Only addr is needed. The generation, of use to a Registrar alone, says which of two
// registrations of one ID is the later. A value that is a plain "host:port" is read
// too, and so is the JSON of etcd's own package naming/endpoints.
//
// An entry that cannot be read is left out and reported once. One that an operator
// writes over ours stands until he deletes it; one that he deletes is back within
// seconds.
//
// # What a person on call should know
//
// While etcd is away, watches yield an error now and then and the last set stands;
// registrations report the error in their State, and try again. When etcd is back,
// watches and registrations are as before within seconds, be it with its data or
// without. Without them it truly says that nobody is there, until the living have
// registered again: sd.Stabilize rides that out. Deregister gives up after some ten
// seconds at most, whatever its context; then the entry goes with its lease.
//
// The errors are [ErrSilent] for a server that hangs or is cut off, [ErrClosed], what
// gRPC says of a connection, and those of etcd's package rpctypes, ErrPermissionDenied
// for one. A client without DialKeepAliveTime stays with a connection that swallows
// everything until the operating system gives it up, a quarter of an hour later. Watches
// and registrations do not: they open a connection of their own then, with the client's
// configuration, and close it when the client's answers again. Set DialKeepAliveTime for
// the rest.
//
// # What it costs etcd
//
// With the defaults, and n times that for n clients:
//
//	steady    0.8 small messages/s for a watch (an idle server is asked if it lives);
//	          0.24 heartbeats and 0.24 reads of one key per second for a registration
//	a flap    two events for each watch, of the entry's size and not the set's; for the
//	          registrant a revocation, a read, a lease, a transaction and a stream
//	an outage a stream, two small questions and one read of the whole set for each
//	          watch, spread over a second after a short one and over 4 s after a long one;
//	          a stream, a heartbeat and a read for a registration whose lease lives, else
//	          as a flap
//	silence   a connection more for each watch and registration until the client's own
//	          answers again, and a small question at each heartbeat or 6 s
//
// TestCost counts them. With users, each stream that is opened is a login too, which
// etcd makes slow on purpose. Several watches of one service in a process should be
// one, by sd.Share.
package etcd
