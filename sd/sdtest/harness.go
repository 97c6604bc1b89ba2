package sdtest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Harness says how the suite reaches a registry.
type Harness struct {
	// New makes ready a service for one case; some cases need two, and one more
	// is made at the start to learn what its Service can do. The name is new, a
	// DNS label, and may be the beginning of another's. All services should be in
	// one registry. What New opens it closes with t.Cleanup.
	New func(t *testing.T, service string) Service

	// InProcess says that New opens no socket and starts no process, so that
	// each case runs in a synctest bubble of its own: a goroutine left behind
	// then fails the case with a panic that shows its stack.
	InProcess bool

	// Parallel is how many cases may run at once, each with a service of its
	// own; of those with hundreds of instances a sixth of that, and one at least.
	// Other tests may run beside Run too: cases that look for goroutines tell their
	// own by a label (and set GODEBUG=tracebacklabels=1 for the process). The
	// default is 1, and there is nothing to gain from more if InProcess.
	Parallel int

	// Shared names the faults that hit the whole registry and not one service of
	// it alone. If cases may run at once, some meet such a fault together.
	Shared []Fault

	// Patience is how long something may take that must happen. The default is
	// a minute, and an hour of the bubble's time if InProcess.
	Patience time.Duration

	// Quiet is how long nothing may happen where nothing must. The default is
	// half a second, and a minute if InProcess.
	Quiet time.Duration

	// Lease is the longest time that an entry outlives its registrant in the
	// registry, which the suite checks. It waits for a little longer to see that
	// entries are renewed. The default is Quiet.
	Lease time.Duration

	// Recovery is how long after the return of the registry, or of the network,
	// watches and registrations may need to be as they were. The default is 10 s.
	Recovery time.Duration

	// Many is the number of instances in the case with many of them. The
	// default is 2,000.
	Many int

	// Packages are the beginnings of the import paths whose goroutines must be
	// gone when what started them is over: the adapter's at least. The default is
	// that of package sd, which is always among them.
	Packages []string

	// Must names the faults that every Service of this harness has to have. A
	// fault that is missing and not named here skips its cases and says so.
	Must []Fault
}

// Run runs every case as a subtest of t, and logs at last how long the registry
// took for what. A case that needs a fault that comes in kinds is run for each.
// Run fails t at once if the harness is malformed, and names all that is wrong
// with it.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if faults := h.check(); len(faults) > 0 {
		t.Fatal("sdtest: " + strings.Join(faults, "; "))
	}
	h = h.withDefaults()
	p := &program{h: h, able: h.probe(t)}
	for _, f := range h.Must {
		if !p.able.can(f) {
			t.Errorf("the harness must be able to do %s, and its Service has no %[1]s", f)
		}
	}
	p.run(t)
	p.figures.log(t)
}

func (h Harness) check() (faults []string) {
	if h.New == nil {
		faults = append(faults, "New is nil")
	}
	if h.Patience < 0 || h.Quiet < 0 || h.Lease < 0 || h.Recovery < 0 {
		faults = append(faults, fmt.Sprintf("Patience %v, Quiet %v, Lease %v or Recovery %v is negative", h.Patience, h.Quiet, h.Lease, h.Recovery))
	}
	if h.Many < 0 || h.Parallel < 0 {
		faults = append(faults, fmt.Sprintf("Many %d or Parallel %d is negative", h.Many, h.Parallel))
	}
	for _, f := range h.Must {
		if !f.known() {
			faults = append(faults, fmt.Sprintf("Must names %q, which is no fault", f))
		}
	}
	for _, f := range h.Shared {
		if !f.known() {
			faults = append(faults, fmt.Sprintf("Shared names %q, which is no fault", f))
		}
	}
	return faults
}

func (h Harness) withDefaults() Harness {
	patience, quiet := time.Minute, time.Second/2
	if h.InProcess {
		patience, quiet = time.Hour, time.Minute
		h.Parallel = 1
	}
	h.Patience = cmp.Or(h.Patience, patience)
	h.Quiet = cmp.Or(h.Quiet, quiet)
	h.Lease = cmp.Or(h.Lease, h.Quiet)
	h.Recovery = cmp.Or(h.Recovery, 10*time.Second)
	h.Many = cmp.Or(h.Many, 2000)
	h.Parallel = cmp.Or(h.Parallel, 1)
	return h
}
