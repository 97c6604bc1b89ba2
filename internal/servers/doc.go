// Package servers gets the real servers that the tests talk to: etcd, Consul and
// OpenTelemetry's Collector are built from their Go modules, ZooKeeper's jars and
// Prometheus come from Debian's packages. Nothing is installed and root is not needed.
//
//	path, err := servers.Etcd.Get(ctx, os.Stderr)
//
// They are kept in the user's cache directory under dowel/servers, by version and
// by a hash of what they are made from, so that each machine makes them once.
// An environment variable takes the place of each: see [Source.Variable].
package servers
