package metrics

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// quantity is a metric that is read of a part at a collection.
type quantity struct {
	name, unit, text string
	shape            shape
}

// shape says how a quantity moves, and so how those of several parts of one name go
// together.
type shape uint8

const (
	counter shape = iota // only rises; the sum counts
	level                // rises and falls; the sum counts
	amount               // a level that has fractions
	gauge                // has fractions; the greatest counts
)

func (q *quantity) instrument(m metric.Meter) (metric.Observable, error) {
	unit, text := metric.WithUnit(q.unit), metric.WithDescription(q.text)
	switch q.shape {
	case counter:
		return m.Int64ObservableCounter(q.name, unit, text)
	case level:
		return m.Int64ObservableUpDownCounter(q.name, unit, text)
	case amount:
		return m.Float64ObservableUpDownCounter(q.name, unit, text)
	}
	return m.Float64ObservableGauge(q.name, unit, text)
}

// series is a value of a quantity.
type series struct {
	value float64 // below 2⁵³ a whole number is exact
	attrs attribute.Set
}

// place tells one series of a group from the others.
type place struct {
	of    *quantity
	attrs attribute.Distinct
}

// table is what is read of parts.
type table map[place]series

// add adds what tell says of one part.
func (t table) add(q *quantity, value float64, attrs attribute.Set) {
	at := place{q, attrs.Equivalent()}
	known, ok := t[at]
	if ok && q.shape == gauge {
		value = max(value, known.value)
	} else {
		value += known.value
	}
	t[at] = series{value, attrs}
}

func observe(o metric.Observer, i metric.Observable, value float64, attrs attribute.Set) {
	with := metric.WithAttributeSet(attrs)
	switch i := i.(type) {
	case metric.Int64Observable:
		o.ObserveInt64(i, int64(value), with)
	case metric.Float64Observable:
		o.ObserveFloat64(i, value, with)
	}
}
