// Package zookeeper finds the instances of a service in ZooKeeper, and registers
// them there.
//
//	client, events, err := zk.Connect(servers, 10*time.Second, zk.WithDialer(zookeeper.Dialer(nil)))
//	…
//	instances, err := zookeeper.NewInstancer(client, "/services/stringsvc")
//	registrar, err := zookeeper.NewRegistrar(client, "/services/stringsvc", zookeeper.RegisterParents())
package zookeeper
