// Package zookeeper discovers and registers services in ZooKeeper.
//
//	client, events, err := zk.Connect(servers, 10*time.Second, zk.WithDialer(zookeeper.Dialer(nil)))
//	…
//	registrar, err := zookeeper.NewRegistrar(client, "/services/stringsvc", zookeeper.RegisterParents())
//	…
//	registration, err := registrar.Register(ctx, sd.Instance{ID: "one", Addr: "10.0.0.1:8080"})
//	…
//	defer registration.Deregister(context.Background())
//
//	instances, err := zookeeper.NewInstancer(client, "/services/stringsvc")
//	…
//	for set, err := range instances.Watch(ctx) { … }
//
// # What is in ZooKeeper
//
// An instance is one ephemeral child of the path, /services/stringsvc/one-hs3k…: its
// ID, escaped as in a URL, and letters that no other registration has, so that a reply
// that is lost leaves no orphan. Its data are JSON of at most 64 KiB:
//
//	{"id": "one", "addr": "10.0.0.1:8080", "weight": 3, "zone": "a", "meta": {"k": "v"}, "since": 4711}
//
// Only addr is needed. Of several nodes with one ID the newest registration counts;
// since is the transaction that began one which had to make its node again.
//
// What Curator's service discovery writes is read too: id, address and port (or
// sslPort), what is plain in the payload as meta; who is not enabled is left out. A
// plain "host:port" is read as well. A node that cannot be read is left out and
// reported once. What an operator writes to a node stands; one that he deletes is back
// at once.
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
// thirds of it. Without [Dialer] a client does not find back to servers that have lost
// their data, and waits for a silent one during six sessions. The client's calls take no
// context: one that is under way when its context ends stays behind in the client until
// that notices. Nothing is asked while there is no connection.
//
// Errors are those of package zk: [zk.ErrNoAuth] and the like end Register at once,
// [zk.ErrNoNode] too if the path is missing, and [zk.ErrClosing] says that the client
// is closed.
//
// # What it costs ZooKeeper
//
// For each client that watches n instances, beside the pings of its session:
//
//	steady     nothing
//	a change   1 read of that instance's node
//	a leaver   1 read of the list of names
//	a newcomer 1 read of the list of names, 1 of its node
//	an outage  1 read of the list, n of nodes without their data, the watches set
//	           again by the client; spread over a second, 32 at a time
//
// A list is all names, some 35 bytes each: that is the one cost of a change that grows
// with the set, and ZooKeeper tells of newcomers in no other way. After a list of n
// names the next one waits for n times 50 µs, so a restart of all instances costs a
// client 700 kB/s at most. A registration writes one node, and after an outage asks
// whether that stands, once or twice. TestCosts and TestThousands measure all this. Several watches of one service in
// a process should be one, by sd.Share.
package zookeeper
