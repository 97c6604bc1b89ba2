// Package dns finds the instances of a service in DNS: SRV records, or the
// addresses of a host.
//
//	instances, err := dns.NewInstancer("_http._tcp.stringsvc.internal")
//	if err != nil {
//		return err // the name or an option is malformed
//	}
//	for set, err := range instances.Watch(ctx) {
//		fmt.Println(set, err)
//	}
//
// DNS does not tell of changes and the standard resolver shows no time to live,
// so names are looked up again at an [Interval]. What is told apart is what a
// server said and what it failed to say: a name that does not exist, or has no
// such records, is an empty set; a server failure, a refusal and a timeout are
// errors, and the last known set stands. A host whose addresses of one family are told
// and those of the other refused is such an error too: [Network] asks for one alone. Wrap
// the Instancer in sd.Stabilize if the servers are known to say that a name does not
// exist when it does.
package dns
