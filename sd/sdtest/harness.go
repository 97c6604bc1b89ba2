package sdtest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Harness says how the suite reaches a registry.
type Harness struct {
	// New makes ready a service for one case; some cases need two. The name is
	// new, a DNS label, and may be the beginning of another's. All services
	// should be in one registry. What New opens it closes with t.Cleanup.
	New func(t *testing.T, service string) Service

	// InProcess says that New opens no socket and starts no process, so that
	// each case runs in a synctest bubble of its own: a goroutine left behind
	// then fails the case with a panic that shows its stack.
	InProcess bool

	// Patience is how long something may take that must happen. The default is
	// a minute, and an hour of the bubble's time if InProcess.
	Patience time.Duration

	// Quiet is how long nothing may happen where nothing must. The default is
	// half a second, and a minute if InProcess.
	Quiet time.Duration

	// Lease is the longest time that an entry outlives its registrant in the
	// registry. The suite waits for twice that to see that entries are renewed.
	// The default is Quiet.
	Lease time.Duration

	// Many is the number of instances in the case with many of them. The
	// default is 2,000.
	Many int

	// Must names the faults that every Service of this harness has to have. A
	// fault that is missing and not named here skips its cases and says so.
	Must []Fault
}

// Service is one service in a registry, and what the harness can do to it. Each
// function returns once the fault is in effect. A nil function means that the
// harness cannot do it.
type Service struct {
	Instancer sd.Instancer
	Registrar sd.Registrar

	// Refused is a registrar whose credentials the registry refuses.
	Refused sd.Registrar
	// Outage takes the registry away and returns a function that brings it back
	// with its data. That is called once.
	Outage func(t *testing.T) (restore func())
	// LoseData makes the registry forget every entry of the service, as after a
	// restart without its disk.
	LoseData func(t *testing.T)
	// Expire ends the lease or session of a registration whose registrant lives.
	Expire func(t *testing.T, id string)
	// Delete takes an entry out as an operator does.
	Delete func(t *testing.T, id string)
	// Kill makes a registrant die without a word.
	Kill func(t *testing.T, id string)
}

// Fault names a field of Service that may be nil.
type Fault string

// The faults.
const (
	Refused  Fault = "Refused"
	Outage   Fault = "Outage"
	LoseData Fault = "LoseData"
	Expire   Fault = "Expire"
	Delete   Fault = "Delete"
	Kill     Fault = "Kill"
)

func (s *Service) can(f Fault) bool {
	switch f {
	case "":
		return true
	case Refused:
		return s.Refused != nil
	case Outage:
		return s.Outage != nil
	case LoseData:
		return s.LoseData != nil
	case Expire:
		return s.Expire != nil
	case Delete:
		return s.Delete != nil
	case Kill:
		return s.Kill != nil
	}
	return false
}

// testCase is one subtest.
type testCase struct {
	name  string
	needs Fault // "" if none
	run   func(*scene)
}

// Run runs every case as a subtest of t. It fails t at once if the harness is
// malformed, and names all that is wrong with it.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if faults := h.check(); len(faults) > 0 {
		t.Fatal("sdtest: " + strings.Join(faults, "; "))
	}
	h = h.withDefaults()
	for _, c := range slices.Concat(watchCases, consumerCases, registrationCases, outageCases, lossCases) {
		t.Run(c.name, func(t *testing.T) { h.runCase(t, c) })
	}
}

func (h Harness) runCase(t *testing.T, c testCase) {
	missing := false
	body := func(t *testing.T) {
		s := newScene(t, h)
		for _, f := range h.Must {
			if !s.can(f) {
				t.Errorf("the harness must be able to do %s, and its Service has no %[1]s", f)
			}
		}
		if missing = !s.can(c.needs); !missing {
			c.run(s)
		}
	}
	if h.InProcess {
		synctest.Test(t, body)
	} else {
		body(t)
	}
	if missing {
		t.Skipf("not tested: the harness has no %s", c.needs)
	}
}

func (h Harness) check() (faults []string) {
	if h.New == nil {
		faults = append(faults, "New is nil")
	}
	if h.Patience < 0 || h.Quiet < 0 || h.Lease < 0 || h.Many < 0 {
		faults = append(faults, fmt.Sprintf("Patience %v, Quiet %v, Lease %v or Many %d is negative", h.Patience, h.Quiet, h.Lease, h.Many))
	}
	for _, f := range h.Must {
		if !slices.Contains([]Fault{Refused, Outage, LoseData, Expire, Delete, Kill}, f) {
			faults = append(faults, fmt.Sprintf("Must names %q, which is no fault", f))
		}
	}
	return faults
}

func (h Harness) withDefaults() Harness {
	patience, quiet := time.Minute, time.Second/2
	if h.InProcess {
		patience, quiet = time.Hour, time.Minute
	}
	h.Patience = cmp.Or(h.Patience, patience)
	h.Quiet = cmp.Or(h.Quiet, quiet)
	h.Lease = cmp.Or(h.Lease, h.Quiet)
	h.Many = cmp.Or(h.Many, 2000)
	return h
}

// serviceName is new in a registry that outlives this test run.
func serviceName() string { return fmt.Sprintf("dowel-%010x", rand.Uint64N(1<<40)) }
