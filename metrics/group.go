package metrics

import (
	"context"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// tell takes a value, with the attributes that tell it from others of its quantity.
type tell func(q *quantity, value float64, attrs ...attribute.KeyValue)

// reading says what is known of one part now. It is called by one goroutine at a time.
type reading func(tell)

// sort is a kind of parts: what is read of each.
type sort struct{ quantities []*quantity }

// group is the parts of one sort, name and set of attributes: together they are
// observed as one.
type group struct {
	attrs []attribute.KeyValue

	mu    sync.Mutex
	parts map[int]reading
	next  int
	ended table // the counts of those that are observed no more: a sum must not fall
}

// group returns that of the sort with those attributes, which is made once.
func (s *source) group(of *sort, attrs []attribute.KeyValue) *group {
	set := attribute.NewSet(attrs...)
	id := groupIdentity{of, set.Equivalent()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[id]; g != nil {
		return g
	}
	g := &group{attrs: set.ToSlice(), parts: map[int]reading{}, ended: table{}}
	s.groups[id] = g
	g.register(s.meter, of)
	return g
}

func (g *group) register(m metric.Meter, of *sort) {
	instruments := map[*quantity]metric.Observable{}
	for _, q := range of.quantities {
		i, err := q.instrument(m)
		report(err)
		if err == nil {
			instruments[q] = i
		}
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for at, s := range g.read() {
			if i := instruments[at.of]; i != nil {
				observe(o, i, s.value, s.attrs)
			}
		}
		return nil
	}, slices.Collect(maps.Values(instruments))...)
	report(err)
}

// read returns what is known of all.
func (g *group) read() table {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := maps.Clone(g.ended)
	for _, part := range g.parts {
		g.readOne(part, t.add)
	}
	return t
}

func (g *group) readOne(part reading, add func(*quantity, float64, attribute.Set)) {
	part(func(q *quantity, value float64, attrs ...attribute.KeyValue) {
		add(q, value, attribute.NewSet(append(slices.Clip(g.attrs), attrs...)...))
	})
}

// add observes one more until ctx, which may be nil, is done.
func (g *group) add(ctx context.Context, part reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := g.next
	g.next++
	g.parts[id] = part
	if ctx != nil {
		context.AfterFunc(ctx, func() { g.end(id) })
	}
}

// end keeps what a part has counted. All else of it is gone, also which instances it
// was: parts that come and go would add theirs without end.
func (g *group) end(id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readOne(g.parts[id], func(q *quantity, value float64, attrs attribute.Set) {
		if q == instancePicks {
			attrs = attribute.NewSet(append(attrs.ToSlice(), InstanceKey.String(OtherInstances))...)
		}
		if q.shape == counter {
			g.ended.add(q, value, attrs)
		}
	})
	delete(g.parts, id)
}
