package sdtest

import "slices"

// testCase is one subtest, or one for each kind of the fault that it needs.
type testCase struct {
	name  string
	needs Fault // "" if none
	once  bool  // not for each kind
	heavy bool  // has hundreds of instances
	looks bool  // for goroutines, which stops all that runs for as long as there are many
	joint bool  // meets its fault once, and so may share one of the whole registry
	run   func(*scene)
}

// job is a case with one kind of its fault.
type job struct {
	testCase
	kind string
}

// plan is the order of a program. Each job is in one list.
type plan struct {
	beside []job   // run beside each other
	heavy  []job   // run a few at a time, beside those
	looks  []job   // run beside each other after them, when few goroutines are left
	joint  [][]job // run after these, with one fault for all of a group
	alone  []job   // run last, one after the other: they take the registry from all others
}

// plan puts everything in alone, in the order of the lists of cases, if the
// harness does not say what else may be.
func (p *program) plan() (all plan) {
	groups := make(map[Fault]int)
	for _, j := range p.jobs() {
		fault := j.needs.Of(j.kind)
		group, known := groups[fault]
		switch {
		case p.h.Parallel == 1 || p.shared(j) && !j.joint:
			all.alone = append(all.alone, j)
		case p.shared(j) && known:
			all.joint[group] = append(all.joint[group], j)
		case p.shared(j):
			groups[fault] = len(all.joint)
			all.joint = append(all.joint, []job{j})
		case j.looks:
			all.looks = append(all.looks, j)
		case j.heavy:
			all.heavy = append(all.heavy, j)
		default:
			all.beside = append(all.beside, j)
		}
	}
	return all
}

// jobs returns those first that take long, so that none is waited for at the end.
func (p *program) jobs() (jobs []job) {
	for _, c := range slices.Concat(cutCases, outageCases, lossCases, registrationCases,
		clientCases, watchCases, consumerCases, malformedCases) {
		kinds := p.able.kinds(c.needs)
		if c.once || len(kinds) == 0 {
			kinds = []string{""}
		}
		for _, kind := range kinds {
			j := job{testCase: c, kind: kind}
			if kind != "" {
				j.name += "/" + kind
			}
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// shared tells whether the fault of a job hits other services too.
func (p *program) shared(j job) bool {
	return p.able.can(j.needs) &&
		(slices.Contains(p.h.Shared, j.needs) || slices.Contains(p.h.Shared, j.needs.Of(j.kind)))
}
