package sdtest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
)

// Service is one service in a registry, and what the harness can do to it. Each
// function returns once the fault is in effect. What is nil or empty, the
// harness cannot do.
type Service struct {
	// Instancer and Registrar are on one client, if the registry has such.
	Instancer sd.Instancer
	Registrar sd.Registrar
	// Twin returns a second pair on the client of the first.
	Twin func() (sd.Instancer, sd.Registrar)
	// Peer registers with the same service by a way of its own, which no fault of
	// Cuts and no Close touches. It is needed where there are Cuts.
	Peer sd.Registrar

	// Refused is a registrar whose credentials the registry refuses.
	Refused sd.Registrar
	// RefusedWatch is an instancer whose credentials the registry refuses.
	RefusedWatch sd.Instancer

	// Outages are the ways, by name, in which the registry goes away from
	// everybody and comes back with its data: killed and started again, paused and
	// resumed, cut off altogether. Each returns a function that ends the outage
	// and returns when the registry serves again; it is called once.
	Outages map[string]func(t *testing.T) (restore func())
	// Outage stands for Outages if there is but one.
	Outage func(t *testing.T) (restore func())
	// Cuts are the ways, by name, in which the network fails between the registry
	// and the client of Instancer and Registrar, while it serves others: what is
	// sent to it is held back, or what it sends, or both; connections are reset
	// and refused. Each returns a function that heals the network.
	Cuts map[string]func(t *testing.T) (heal func())

	// LoseData makes the registry forget every entry of the service at once, by a
	// restart without its disk where there is a server, and returns when it serves.
	LoseData func(t *testing.T)
	// Expire ends the lease or session of a registration whose registrant lives.
	Expire func(t *testing.T, id string)
	// Delete takes an entry out as an operator does.
	Delete func(t *testing.T, id string)
	// Kill makes a registrant die without a word.
	Kill func(t *testing.T, id string)
	// Process tells a process of its own where to register, which is then killed. It
	// is what the function gets that is given to [Registrant].
	// What is registered with a registry inside the process ends with it, so there Kill
	// stands for this.
	Process string
	// Malformed are the ways, by name, to plant an entry that no adapter can read
	// among those of the service: not JSON, without a port, empty, too long. Each
	// returns a function that takes it out.
	Malformed map[string]func(t *testing.T) (remove func())
	// Close closes the client of Instancer and Registrar, as its owner does too
	// early.
	Close func(t *testing.T)
}

// Fault names a field of Service that may be nil.
type Fault string

// The faults.
const (
	Twin         Fault = "Twin"
	Refused      Fault = "Refused"
	RefusedWatch Fault = "RefusedWatch"
	Outage       Fault = "Outage"
	Cut          Fault = "Cut"
	LoseData     Fault = "LoseData"
	Expire       Fault = "Expire"
	Delete       Fault = "Delete"
	Kill         Fault = "Kill"
	Process      Fault = "Process"
	Malformed    Fault = "Malformed"
	Close        Fault = "Close"
)

// Of returns one kind of a fault that comes in kinds: an Outage, a Cut, a
// Malformed, by its name in the field of Service.
func (f Fault) Of(kind string) Fault { return f + "/" + Fault(kind) }

func (f Fault) split() (fault Fault, kind string) {
	name, kind, _ := strings.Cut(string(f), "/")
	return Fault(name), kind
}

func (f Fault) known() bool {
	fault, kind := f.split()
	if kind != "" {
		return slices.Contains([]Fault{Outage, Cut, Malformed}, fault)
	}
	return slices.Contains([]Fault{
		Twin, Refused, RefusedWatch, Outage, Cut, LoseData, Expire, Delete, Kill, Process, Malformed, Close,
	}, fault)
}

func (s *Service) can(f Fault) bool {
	switch fault, kind := f.split(); fault {
	case "":
		return true
	case Twin:
		return s.Twin != nil
	case Refused:
		return s.Refused != nil
	case RefusedWatch:
		return s.RefusedWatch != nil
	case Outage, Cut, Malformed:
		kinds := s.kinds(fault)
		return kind == "" && len(kinds) > 0 || slices.Contains(kinds, kind)
	case LoseData:
		return s.LoseData != nil
	case Expire:
		return s.Expire != nil
	case Delete:
		return s.Delete != nil
	case Kill:
		return s.Kill != nil
	case Process:
		return s.Process != ""
	case Close:
		return s.Close != nil
	}
	return false
}

// kinds returns the names of the kinds in which a fault comes, sorted; the one of
// a fault without kinds is "".
func (s *Service) kinds(f Fault) []string {
	switch f {
	case Outage:
		if len(s.Outages) == 0 && s.Outage != nil {
			return []string{""}
		}
		return slices.Sorted(maps.Keys(s.Outages))
	case Cut:
		return slices.Sorted(maps.Keys(s.Cuts))
	case Malformed:
		return slices.Sorted(maps.Keys(s.Malformed))
	}
	return []string{""}
}
