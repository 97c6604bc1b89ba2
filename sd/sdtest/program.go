package sdtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

// program is one Run.
type program struct {
	h       Harness
	able    Service // what a service of the harness can do
	figures figures
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

// run has workers of its own and does without t.Parallel, of which a test binary
// allows as many as there are processors: most cases only wait.
func (p *program) run(t *testing.T) {
	t.Helper()
	plan := p.plan()
	p.beside(t, plan.beside, plan.heavy)
	p.beside(t, plan.looks, nil)
	for _, group := range plan.joint {
		p.together(t, group)
	}
	p.each(t, plan.alone)
}

// beside runs jobs at once, of the heavy ones a few.
func (p *program) beside(t *testing.T, jobs, heavies []job) {
	t.Helper()
	next, heavy := make(chan job), make(chan job, len(heavies))
	for _, j := range heavies {
		heavy <- j
	}
	close(heavy)
	var workers sync.WaitGroup
	for k := range p.h.Parallel {
		workers.Go(func() {
			if k < max(1, p.h.Parallel/porters) {
				p.all(t, heavy)
			}
			p.all(t, next)
		})
	}
	// A single worker takes nothing before it is done with what is heavy.
	for _, j := range jobs {
		next <- j
	}
	close(next)
	workers.Wait()
}

// porters is of how many workers one begins with what is heavy.
const porters = 6

func (p *program) all(t *testing.T, jobs <-chan job) {
	t.Helper()
	for j := range jobs {
		p.do(t, j, nil)
	}
}

func (p *program) each(t *testing.T, jobs []job) {
	t.Helper()
	for _, j := range jobs {
		p.do(t, j, nil)
	}
}

func (p *program) together(t *testing.T, group []job) {
	t.Helper()
	fault := newJoint(len(group))
	var jobs sync.WaitGroup
	for _, j := range group {
		jobs.Go(func() {
			defer fault.leave() // also if the job is not among those asked for
			p.do(t, j, fault)
		})
	}
	jobs.Wait()
}

// do runs a job. The fault is nil if the job has its own.
func (p *program) do(t *testing.T, j job, fault *joint) {
	t.Helper()
	t.Run(j.name, func(t *testing.T) {
		if !p.able.can(j.needs) {
			t.Skipf("not tested: the harness has no %s", j.needs)
		}
		body := func(t *testing.T) {
			name := serviceName()
			labelled(name, func() { j.run(p.scene(t, name, j.kind, fault)) })
		}
		if p.h.InProcess {
			synctest.Test(t, body)
		} else {
			body(t)
		}
	})
}

// serviceName is new in a registry that outlives this test run.
func serviceName() string { return fmt.Sprintf("dowel-%010x", rand.Uint64N(1<<40)) }
