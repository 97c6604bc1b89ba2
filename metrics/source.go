package metrics

import (
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// source is what one option of Provider measures. Its meter is nil if nothing is.
type source struct {
	meter metric.Meter

	mu     sync.Mutex
	calls  map[identity]*calls
	groups map[groupIdentity]*group
}

// identity is what tells two of a kind apart, and groupIdentity two of a sort.
type identity struct {
	kind  *kind
	attrs attribute.Distinct
}

type groupIdentity struct {
	sort  *sort
	attrs attribute.Distinct
}

func newSource(p metric.MeterProvider) *source {
	if p == nil {
		return nil
	}
	s := &source{calls: map[identity]*calls{}, groups: map[groupIdentity]*group{}}
	meter := p.Meter(scope, metric.WithSchemaURL(schema))
	if _, off := meter.(noop.Meter); !off {
		s.meter = meter
	}
	return s
}

// off reports whether nothing is to be measured.
func (s *source) off() bool { return s == nil || s.meter == nil }

// of returns the calls with those attributes, which are made once.
func (s *source) of(k *kind, attrs []attribute.KeyValue) *calls {
	set := attribute.NewSet(attrs...)
	id := identity{k, set.Equivalent()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		return c
	}
	c := newCalls(k, s.meter, set)
	s.calls[id] = c
	return c
}

// report tells of what a provider did not like. It is no reason for a service to stop.
func report(errs ...error) {
	for _, err := range errs {
		if err != nil {
			otel.Handle(err)
		}
	}
}
