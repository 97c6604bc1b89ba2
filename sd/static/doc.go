// Package static knows instances from a list or from a file.
//
//	instances, err := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:8080"}, sd.Instance{Addr: "10.0.0.2:8080"})
//
// A list never changes. A file is read again while it is watched:
//
//	instances := static.NewFile("/etc/stringsvc/instances.json")
//
// It holds a JSON array of objects. Only addr is required, and [] means that
// there is no instance:
//
//	[
//	  {"addr": "10.0.0.1:8080", "id": "one", "weight": 2, "zone": "a", "meta": {"version": "1.4"}},
//	  {"addr": "[2001:db8::1]:8080"}
//	]
//
// JSON, and not a line per instance, because a file cut short while it is being
// written is then an error, and not a smaller set.
package static
