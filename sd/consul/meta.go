package consul

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// The keys that have a meaning in the meta of a service in Consul. They do not show
// in the Meta of an instance, and an instance must not have them there.
const (
	MetaID    = "dowel-id"    // the ID of the instance; of an entry without it that of the entry
	MetaSince = "dowel-since" // when its registration began, in UTC; the last one is the instance
	MetaZone  = "zone"        // its zone
)

// MetaStatus is the key under which [WatchAnyHealth] puts the state of an instance's
// checks: "passing", "warning", "critical", "maintenance", or "" for one that is not
// known.
const MetaStatus = "consul-status"

// sinceFormat sorts like the times do.
const sinceFormat = "2006-01-02T15:04:05.000000000Z"

// What an agent takes.
const (
	maxPairs  = 64
	maxKey    = 128
	maxValue  = 512
	maxWeight = 65535
)

// readMeta takes the service's meta over, and what else the entry says.
func (p *place) readMeta(e *api.ServiceEntry) {
	s := e.Service
	p.ID, p.ours = s.Meta[MetaID]
	if p.ID == "" {
		p.ID, p.ours = s.ID, false
	}
	p.since = s.Meta[MetaSince]
	p.Zone = s.Meta[MetaZone]
	switch {
	case p.Zone != "":
	case s.Locality != nil && s.Locality.Zone != "":
		p.Zone = s.Locality.Zone
	case e.Node != nil && e.Node.Locality != nil:
		p.Zone = e.Node.Locality.Zone
	}
	for _, key := range []string{MetaID, MetaSince, MetaZone} {
		delete(s.Meta, key)
	}
	p.Meta = s.Meta
}

// writeMeta returns the meta of an instance's entry, or every reason why Consul would
// not take it or would not give the same back.
func writeMeta(in sd.Instance, since string) (map[string]string, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	meta := make(map[string]string, len(in.Meta)+3)
	maps.Copy(meta, in.Meta)
	for _, key := range []string{MetaID, MetaSince, MetaZone} {
		if _, taken := meta[key]; taken {
			fault("the key %q of Meta has a meaning of its own in Consul's", key)
		}
	}
	meta[MetaID], meta[MetaSince] = in.ID, since
	if in.Zone != "" {
		meta[MetaZone] = in.Zone
	}
	if len(meta) > maxPairs {
		fault("Meta has %d pairs; Consul has room for %d", len(in.Meta), maxPairs-len(meta)+len(in.Meta))
	}
	for key, value := range meta {
		switch {
		case key == "" || strings.ContainsFunc(key, outsideKey):
			fault("the key %q of Meta is not of ASCII letters, digits, hyphens and underscores", key)
		case strings.HasPrefix(key, "consul-"):
			fault("the key %q of Meta begins with consul-, which Consul keeps to itself", key)
		case len(key) > maxKey:
			fault("the key %.40q… of Meta has %d bytes; Consul takes %d", key, len(key), maxKey)
		}
		if len(value) > maxValue || !utf8.ValidString(value) {
			fault("the value of %.40q in the meta is not UTF-8 of %d bytes at most", key, maxValue)
		}
	}
	return meta, errors.Join(faults...)
}

func outsideKey(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
