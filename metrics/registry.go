package metrics

import (
	"time"

	"github.com/dowelkit/dowel/sd"
)

var (
	known = &quantity{
		"dowel.registry.instances", "{instance}", "Number of instances in the newest set of the registry.", level,
	}
	live = &quantity{
		"dowel.registry.live_instances", "{instance}", "Number of instances that have a client and serve.", level,
	}
	setAge = &quantity{
		"dowel.registry.set.age", "s", "Time since the newest set came.", gauge,
	}
	failingWatches = &quantity{
		"dowel.registry.failing_watches", "{watch}", "Number of watches whose last word is an error.", level,
	}
	watchErrors = &quantity{
		"dowel.registry.watch.errors", "{error}", "Errors of the watch.", counter,
	}
	dialErrors = &quantity{
		"dowel.registry.dial.errors", "{error}", "Failed dials of instances.", counter,
	}
	endpointers = &sort{[]*quantity{known, live, setAge, failingWatches, watchErrors, dialErrors}}

	registered = &quantity{
		"dowel.registration.registered_instances", "{instance}", "Number of registrations that are in the registry.", level,
	}
	unregistered = &quantity{
		"dowel.registration.missing_instances", "{instance}", "Number of registrations that are not in the registry.", level,
	}
	registrationErrors = &quantity{
		"dowel.registration.failing_instances", "{instance}", "Number of registrations whose last word is an error.", level,
	}
	registrationAge = &quantity{
		"dowel.registration.state.age", "s", "Time since the registration was made or lost.", gauge,
	}
	registrations = &sort{[]*quantity{registered, unregistered, registrationErrors, registrationAge}}
)

// Endpointer observes a watch and its clients: how many instances the registry knows and
// how many of them serve, the age of the newest set, errors of the watch and of dials,
// and whether the watch is in error now. A set is old when nothing changes or when the
// registry cannot be reached: the last tells which. The rest is as for [Balancer].
func Endpointer[C any](e *sd.Endpointer[C], name string, opts ...Option) {
	observePart("Endpointer", "the endpointer", e != nil, name, opts, endpointers, func(config) reading {
		return func(tell tell) {
			s := e.Status()
			tell(known, float64(s.Instances))
			tell(live, float64(s.Live))
			if !s.Updated.IsZero() {
				tell(setAge, time.Since(s.Updated).Seconds())
			}
			tell(failingWatches, one(s.WatchErr != nil))
			tell(watchErrors, float64(s.WatchFailures))
			tell(dialErrors, float64(s.DialFailures))
		}
	})
}

// Registration observes whether an instance is in the registry, as far as we know, and
// since when, and whether an error keeps it from being put there or taken out. The rest
// is as for [Balancer].
func Registration(r *sd.Registration, name string, opts ...Option) {
	observePart("Registration", "the registration", r != nil, name, opts, registrations, func(config) reading {
		return func(tell tell) {
			s := r.State()
			tell(registered, one(s.Registered))
			tell(unregistered, one(!s.Registered))
			tell(registrationErrors, one(s.Err != nil))
			tell(registrationAge, time.Since(s.Since).Seconds())
		}
	})
}

// one counts what is so.
func one(so bool) float64 {
	if so {
		return 1
	}
	return 0
}
