package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dowelkit/dowel/sd"
)

// Registry is a registry in memory. It is safe for concurrent use and made by
// [NewRegistry]. It starts no goroutine and needs no Close.
type Registry struct {
	mu       sync.Mutex
	services map[string]*service
	fault    *fault // nil while the registry is well
	direct   *Client

	registrants int // that have put
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	r := &Registry{services: make(map[string]*service)}
	r.direct = r.Client()
	return r
}

// Instancer returns the watch on a service, which need not be known yet. A change
// costs one copied slice whatever the number of watches, and each watch compares
// pointers. It panics if the name is empty, is not UTF-8, or holds a space or a
// control character.
func (r *Registry) Instancer(service string) sd.Instancer { return r.direct.Instancer(service) }

// Set writes the instances of a service in one change, with nobody to keep them
// there: what is not listed is taken out, though a living registrant puts its
// own back. It is for sets known from the start, and for tests. It copies the
// instances. A malformed name or instance, or an ID listed twice, is an error:
// all faults are joined, and nothing is written.
func (r *Registry) Set(service string, instances ...sd.Instance) error {
	listed, err := list(service, instances)
	if err != nil {
		return fmt.Errorf("memory: set of service %q: %w", service, err)
	}
	s := r.service(service)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.replace(listed)
	return nil
}

func list(service string, instances []sd.Instance) ([]sd.Instance, error) {
	faults := []error{checkName(service)}
	listed := make([]sd.Instance, 0, len(instances))
	seen := make(map[string]bool, len(instances))
	for i, in := range instances {
		if err := in.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("instance %d: %w", i+1, err))
		}
		in = owned(in)
		if seen[in.ID] {
			faults = append(faults, fmt.Errorf("instance %d: ID %q is listed twice", i+1, in.ID))
		}
		seen[in.ID] = true
		listed = append(listed, in)
	}
	return listed, errors.Join(faults...)
}

func checkName(service string) error {
	blank := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
	for _, c := range service {
		if blank(c) {
			return fmt.Errorf("the service name %q has a space or a control character", service)
		}
	}
	if service == "" {
		return errors.New("the service name is empty")
	}
	if !utf8.ValidString(service) {
		return fmt.Errorf("the service name %q is not UTF-8", service)
	}
	return nil
}

func (r *Registry) service(name string) *service {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.services[name]
	if s == nil {
		s = newService(r.fault)
		r.services[name] = s
	}
	return s
}

// enter begins an operation of a registrant. It returns with r.mu locked if and
// only if the error is nil.
func (r *Registry) enter(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.mu.Lock()
		f := r.fault
		if f == nil {
			return nil
		}
		r.mu.Unlock()
		if f.err != nil {
			return f.err
		}
		select {
		case <-f.over:
		case <-ctx.Done():
		}
	}
}
