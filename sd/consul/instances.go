package consul

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// malformed is an entry that makes no instance, and why.
type malformed struct{ node, id, why string }

func (m malformed) String() string {
	return fmt.Sprintf("service ID %.100q of node %.100q: %s", m.id, m.node, m.why)
}

// place is an instance and where it was found.
type place struct {
	sd.Instance
	node  string
	since string
	index uint64
	ours  bool
}

// instances makes instances of entries, whatever the order of those.
func (i *Instancer) instances(entries []*api.ServiceEntry) (found []sd.Instance, bad []malformed) {
	places := make([]place, 0, len(entries))
	for _, e := range entries {
		if e == nil || e.Service == nil {
			bad = append(bad, malformed{why: "the entry is empty"})
			continue
		}
		if !i.options.health.accepts(e) {
			continue
		}
		p, why := placeOf(e, i.options.health)
		if why != "" {
			bad = append(bad, malformed{p.node, e.Service.ID, why})
			continue
		}
		places = append(places, p)
	}
	qualify(places, i.service)
	// Of two registrations of one instance the first wins: the one that began last. The
	// rest of the order is only that it is one, whichever server answers.
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(strings.Compare(b.since, a.since), cmp.Compare(b.index, a.index), strings.Compare(a.Addr, b.Addr))
	})
	found = make([]sd.Instance, len(places))
	for n := range places {
		found[n] = places[n].Instance
	}
	return found, bad
}

// accepts is for what Consul itself does not sort out.
func (h health) accepts(e *api.ServiceEntry) bool {
	if h != warning {
		return true
	}
	status := e.Checks.AggregatedStatus()
	return status == api.HealthPassing || status == api.HealthWarning
}

// maxSize bounds ID, address and meta of an entry, in bytes. Consul bounds only the
// last, by 41 kB.
const maxSize = 64 << 10

func placeOf(e *api.ServiceEntry, h health) (p place, why string) {
	s := e.Service
	host := s.Address
	if e.Node != nil {
		p.node = e.Node.Node
		host = cmp.Or(host, e.Node.Address)
	}
	if size := sizeOf(s) + len(host); size > maxSize {
		return p, fmt.Sprintf("it has %d bytes; the limit is %d", size, maxSize)
	}
	// Some write an IPv6 address as it is in a URL.
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	p.Addr = net.JoinHostPort(host, strconv.Itoa(s.DefaultPort()))
	if err := p.Validate(); err != nil {
		return p, strings.TrimPrefix(err.Error(), "sd: ")
	}
	p.index = s.CreateIndex
	p.Weight = s.Weights.Passing
	if h != passing {
		status := e.Checks.AggregatedStatus()
		if status == api.HealthWarning {
			p.Weight = s.Weights.Warning
		}
		if h == anyHealth {
			defer func() { p.Meta = with(p.Meta, MetaStatus, status) }()
		}
	}
	p.readMeta(e)
	return p, ""
}

func sizeOf(s *api.AgentService) int {
	size := len(s.ID)
	for k, v := range s.Meta {
		size += len(k) + len(v)
	}
	return size
}

func with(meta map[string]string, key, value string) map[string]string {
	if meta == nil {
		meta = make(map[string]string, 1)
	}
	meta[key] = value
	return meta
}

// qualify tells entries of others apart. Consul's IDs are unique on a node only, and
// an ID that nobody chose is the service's name on each of them.
func qualify(places []place, service string) {
	count := make(map[string]int, len(places))
	for n := range places {
		count[places[n].ID]++
	}
	for n := range places {
		if p := &places[n]; !p.ours && (p.ID == "" || p.ID == service || count[p.ID] > 1) {
			p.ID = cmp.Or(p.ID, service) + "@" + p.node
		}
	}
}
