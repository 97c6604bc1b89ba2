// Package zookeeper discovers and registers services in ZooKeeper.
//
//	dialer := &zookeeper.Dialer{}
//	client, events, err := zk.Connect(servers, 10*time.Second, zk.WithDialer(dialer.Dial))
//	…
//	registrar, err := zookeeper.NewRegistrar(client, "/services/stringsvc", zookeeper.RegisterParents())
//	…
//	registration, err := registrar.Register(ctx, sd.Instance{ID: "one", Addr: "10.0.0.1:8080"})
//	…
//	defer registration.Deregister(context.Background()) // sd.KeepTimeout bounds it
//
//	instances, err := zookeeper.NewInstancer(client, "/services/stringsvc", zookeeper.WatchDialer(dialer))
//	…
//	for set, err := range instances.Watch(ctx) { … }
//
// # What is in ZooKeeper
//
// An instance is one ephemeral child of the path, /services/stringsvc/one-hs3k…: its
// ID, escaped as in a URL, and letters that no other registration has, so that a reply
// that is lost leaves no orphan. Its data are JSON of at most 64 KiB:
//
//	{"id": "one", "addr": "10.0.0.1:8080", "weight": 3, "zone": "a", "meta": {"k": "v"}}
//
// Only addr is needed. Of several nodes with one ID the newest registration counts; one
// that had to make its node again adds when it made the first, in "since" and "order".
//
// What Curator's service discovery writes is read too: id, address and port (or
// sslPort), what is plain in the payload as meta; who is not enabled is left out. A
// plain "host:port" is read as well. A node that is no instance is left out and
// reported once; one that a server refuses to read stands as it was until the server
// says that it is gone.
//
// What an operator writes to a node stands, outages included, until the registrant
// itself changes something or has to make its node again: after its session has
// expired, or when somebody deleted the node, which is back at once.
//
// # What a person on call should know
//
// While the servers are away, watches yield an error every ten seconds and the last set
// stands; registrations report the error in their State. When they are back, so are
// watches and registrations within seconds. If the session has expired meanwhile, a
// watch yields [zk.ErrSessionExpired] and then what is there: others may have lost
// their sessions too and come later, and sd.Stabilize rides that out.
//
// The session belongs to the client, and so does its timeout: an instance whose process
// died is gone after it, and a connection that swallows everything is noticed after two
// thirds of it. Without a [Dialer] a client does not find back to servers that have lost
// their data, and waits for a silent one during six sessions. The client's calls take no
// context: one that is under way when its context ends stays behind in the client until
// that notices. Nothing is asked while there is no connection. Deregister waits for one
// as long as its context and sd.KeepTimeout let it, 10 s by default; a node that it could
// not take out goes when a connection comes back within a minute, and else with the session.
//
// Errors are those of package zk: [zk.ErrNoAuth] and the like end Register at once,
// [zk.ErrNoNode] too if the path is missing, and [zk.ErrClosing] says that the client
// is closed.
//
// # What it costs ZooKeeper
//
// Requests of each client that watches n instances, by [WatchDialer] and without it,
// beside the pings of its session, of which the client sends three in a timeout:
//
//	             by dialer        without
//	steady       none             none
//	a change     1, of the node   1
//	a leaver     1, of the node   1, of the list of names
//	a newcomer   1, of the node   2, of the list and the node
//	an outage    3, of one node   1, and one of each node over 5 s; no data
//
// So a thousand clients with sessions of 10 s send 300 pings/s in steady state; an
// instance that flaps, leaving and coming once in a second, costs 2,000 small
// reads/s more, and the end of an outage 3,000 requests once. After an outage the
// client also sets its watches again, and each reads what has changed meanwhile at a
// time of its own, over one second and half a millisecond more for each node; so it is
// too where the session was lost and all has to be read, 32 nodes at a time.
//
// A change moves some 300 bytes in a set of any size by dialer. Without it that is so
// for a change of data, but a list is all names, some 35 bytes each: ZooKeeper's older
// watches tell of newcomers in no other way. There after a list of n names the next
// one waits for n times 50 µs, so a restart of all instances costs a client 700 kB/s
// at most. A registration writes one node, and after an outage asks whether that
// stands, once or twice within two seconds. TestCosts and TestThousands measure all this.
// Several watches of one service in a process should be one, by sd.Share.
package zookeeper
