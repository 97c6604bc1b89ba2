package sdtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// testCase is one subtest, or one for each kind of the fault that it needs.
type testCase struct {
	name  string
	needs Fault // "" if none
	once  bool  // not for each kind
	alone bool  // never beside another
	run   func(*scene)
}

// program is one Run.
type program struct {
	h       Harness
	able    Service // what a service of the harness can do
	figures figures
}

// job is a case with one kind of its fault.
type job struct {
	testCase
	kind string
}

// probe makes a service only to see what it can do.
func (h Harness) probe(t *testing.T) (able Service) {
	t.Helper()
	see := func(t *testing.T) {
		able = h.New(t, serviceName())
		switch {
		case able.Instancer == nil || able.Registrar == nil:
			t.Fatal("sdtest: New returned a Service without an Instancer or a Registrar")
		case len(able.Cuts) > 0 && able.Peer == nil:
			t.Fatal("sdtest: New returned a Service with Cuts and without a Peer")
		}
	}
	if h.InProcess {
		synctest.Test(t, see)
	} else {
		see(t)
	}
	return able
}

// plan lists what may run beside other cases, and what runs alone after them.
func (p *program) plan() (beside, alone []job) {
	for _, c := range slices.Concat(watchCases, consumerCases, registrationCases, clientCases,
		outageCases, cutCases, lossCases, malformedCases) {
		kinds := p.able.kinds(c.needs)
		if c.once || len(kinds) == 0 {
			kinds = []string{""}
		}
		for _, kind := range kinds {
			j := job{testCase: c, kind: kind}
			if kind != "" {
				j.name += "/" + kind
			}
			if p.h.Parallel == 1 || c.alone || p.shared(c.needs, kind) {
				alone = append(alone, j)
			} else {
				beside = append(beside, j)
			}
		}
	}
	return beside, alone
}

// shared tells whether a fault hits other services too.
func (p *program) shared(f Fault, kind string) bool {
	return slices.Contains(p.h.Shared, f) || slices.Contains(p.h.Shared, f.Of(kind))
}

// run has workers of its own and does without t.Parallel, of which a test binary
// allows as many as there are processors: most cases only wait.
func (p *program) run(t *testing.T) {
	t.Helper()
	beside, alone := p.plan()
	next := make(chan job)
	var workers sync.WaitGroup
	for range p.h.Parallel {
		workers.Go(func() {
			for j := range next {
				p.do(t, j)
			}
		})
	}
	for _, j := range beside {
		next <- j
	}
	close(next)
	workers.Wait()
	for _, j := range alone {
		p.do(t, j)
	}
}

func (p *program) do(t *testing.T, j job) {
	t.Helper()
	t.Run(j.name, func(t *testing.T) {
		if !p.able.can(j.needs) {
			t.Skipf("not tested: the harness has no %s", j.needs)
		}
		body := func(t *testing.T) { j.run(p.scene(t, j.kind)) }
		if p.h.InProcess {
			synctest.Test(t, body)
		} else {
			body(t)
		}
	})
}

// serviceName is new in a registry that outlives this test run.
func serviceName() string { return fmt.Sprintf("dowel-%010x", rand.Uint64N(1<<40)) }
