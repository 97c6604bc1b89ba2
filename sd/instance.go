package sd

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Instance is one running copy of a service. An Instance that an Instancer has
// yielded is immutable: whoever holds it must not write to it, Meta included.
type Instance struct {
	// ID tells instances of one service apart. Empty means Addr.
	ID string
	// Addr is where it listens: "host:port", or "[v6]:port".
	Addr string
	// Weight is its share of the load in proportion to the others. Zero and
	// less mean 1, so that a registry that knows no weights needs none.
	Weight int
	// Zone is where it runs, for strategies that prefer near instances.
	Zone string
	// Meta is whatever else the registry says of it.
	Meta map[string]string
}

// Validate returns every fault of an instance that is to be registered, joined,
// or nil: the address has a host and a port from 1 to 65535, the host is not
// 0.0.0.0 or ::, where one listens and nobody is reached, the weight is not negative,
// and ID and address are UTF-8 without space and control characters.
func (in *Instance) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("sd: "+format, args...)) }
	if host, port, err := net.SplitHostPort(in.Addr); err != nil {
		fault("address %q is not host:port", in.Addr)
	} else {
		if host == "" || !printable(host) {
			fault("address %q has no valid host", in.Addr)
		}
		if ip, err := netip.ParseAddr(host); err == nil && ip.WithZone("").Unmap().IsUnspecified() {
			fault("address %q has an unspecified host, under which nobody is reached", in.Addr)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			fault("address %q has no port from 1 to 65535", in.Addr)
		}
	}
	if !printable(in.ID) {
		fault("ID %q is not UTF-8 without space and control characters", in.ID)
	}
	if in.Weight < 0 {
		fault("weight %d is negative", in.Weight)
	}
	return errors.Join(faults...)
}

func printable(s string) bool {
	return utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// Equal reports whether both say the same in every field. Nil and empty Meta are
// the same. Consumers of a watch do not need it: they compare pointers.
func (in *Instance) Equal(other *Instance) bool {
	return in.ID == other.ID && in.Addr == other.Addr && in.Weight == other.Weight &&
		in.Zone == other.Zone && maps.Equal(in.Meta, other.Meta)
}

// NextSet makes of what an adapter found the set that it yields: de-duplicated by
// ID (the first wins; an empty ID becomes Addr), sorted by ID, and with the
// pointer from prev for each instance that did not change. prev is the set it
// yielded before, or nil. If nothing changed it returns prev itself.
//
// It takes ownership of found and of every Meta in it, and sorts found in place.
func NextSet(prev []*Instance, found []Instance) []*Instance {
	for i := range found {
		if found[i].ID == "" {
			found[i].ID = found[i].Addr
		}
	}
	slices.SortStableFunc(found, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	next := make([]*Instance, 0, len(found))
	same, p := true, 0
	for i := range found {
		in := &found[i]
		if len(next) > 0 && next[len(next)-1].ID == in.ID {
			continue
		}
		for p < len(prev) && prev[p].ID < in.ID {
			p, same = p+1, false
		}
		if p < len(prev) && prev[p].ID == in.ID && prev[p].Equal(in) {
			next = append(next, prev[p])
			p++
			continue
		}
		same = false
		// A copy, so that one survivor does not keep the whole slice alive.
		kept := *in
		next = append(next, &kept)
	}
	if same && p == len(prev) && prev != nil {
		return prev
	}
	return next
}
