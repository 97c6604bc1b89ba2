package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Option changes how calls and parts are measured. It is safe for concurrent use.
type Option func(*config) error

type config struct {
	source *source // nil if nothing is to be measured
	attrs  []attribute.KeyValue

	until     context.Context // of a part, nil if it is for good
	instances int
	bounded   bool // Instances was given
}

// Provider sets where metrics go. Without it nothing is measured. OpenTelemetry's
// global provider is not used unless it is given, as otel.GetMeterProvider().
//
// The option holds what is measured by it: use one option for all of a program.
// Methods and parts that have the same name there are counted together, and a method
// may be wrapped any number of times, for instance once per dial of a client.
func Provider(p metric.MeterProvider) Option {
	s := newSource(p)
	return func(c *config) error {
		c.source = s
		return unless(p != nil, "the provider is nil")
	}
}

// Attributes adds attributes to each measurement. Each set of values is a series of
// its own, kept for the life of the process: none may come from a request. The slice
// is copied. One with the name of another attribute replaces that.
func Attributes(attrs ...attribute.KeyValue) Option {
	attrs = slices.Clone(attrs)
	return func(c *config) error {
		c.attrs = append(c.attrs, attrs...)
		for _, a := range attrs {
			if !a.Valid() {
				return fmt.Errorf("the attribute %q is not valid", a.Key)
			}
		}
		return nil
	}
}

func unless(ok bool, fault string) error {
	if ok {
		return nil
	}
	return errors.New(fault)
}

// configure panics, with one message that names all faults, if there is one. what
// says what is measured, and has says whether it is there.
func configure(function, what string, has bool, name string, opts []Option, check func(*config) error) config {
	var c config
	faults := []error{unless(has, what+" is nil"), unless(name != "", "the name is empty")}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(&c))
	}
	faults = append(faults, check(&c))
	if err := errors.Join(faults...); err != nil {
		panic("metrics: " + function + ": " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return c
}
