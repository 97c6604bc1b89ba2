package sd

import "slices"

// Subset returns an Instancer of n of the instances of source, chosen by
// clientID: many clients of many instances need not each connect to all of them.
// Sets of n and fewer pass as they are. It starts no goroutine.
//
// The choice is by rendezvous hashing (Thaler and Ravishankar, "Using Name-Based
// Mappings to Increase Hit Rates", IEEE/ACM Transactions on Networking 6(1),
// 1998): the n instances with the highest hash of client and instance ID. So an
// instance that comes or goes changes at most one member of each client's subset,
// a client that restarts with the same ID gets the same subset, and over many
// clients the instances are chosen equally often, up to the variance of random
// choice. Weights do not enter: the balancer applies them within the subset.
//
// Subset panics if source is nil, n is not positive or clientID is empty, for
// then all clients would choose alike. A host name with the process's port or
// start makes a good clientID.
func Subset(source Instancer, n int, clientID string) Instancer {
	var f faults
	f.absent(source, "source")
	f.add(n <= 0, "n must be positive, not %d", n)
	f.add(clientID == "", "clientID is empty")
	f.refuse("Subset")
	// The zero byte keeps "ab"+"c" and "a"+"bc" apart.
	client := fnv1a(fnvOffset, clientID+"\x00")
	return transform(source, func(set []*Instance) []*Instance { return highest(set, n, client) })
}

// highest returns the n instances with the highest scores, in the order of set.
func highest(set []*Instance, n int, client uint64) []*Instance {
	if len(set) <= n {
		return set
	}
	scores := make([]uint64, len(set))
	for i, in := range set {
		scores[i] = mix(fnv1a(client, in.ID))
	}
	ranked := slices.Sorted(slices.Values(scores))
	lowest := ranked[len(ranked)-n]
	// Of equal scores those with the lower ID are taken.
	ties := n
	for i := len(ranked) - 1; ranked[i] > lowest; i-- {
		ties--
	}
	chosen := make([]*Instance, 0, n)
	for i, in := range set {
		switch {
		case scores[i] > lowest:
			chosen = append(chosen, in)
		case scores[i] == lowest && ties > 0:
			chosen = append(chosen, in)
			ties--
		}
	}
	return chosen
}

const fnvOffset = 14695981039346656037

// fnv1a is the 64-bit FNV-1a hash, begun at h. The one of hash/fnv cannot go on
// from a common prefix without an allocation.
func fnv1a(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix is the finalizer of MurmurHash3 (Austin Appleby): FNV alone barely lets the
// last bytes reach the high bits, which decide the order.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
