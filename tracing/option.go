package tracing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/sd"
)

// Option changes how [Server] and [Client] trace.
type Option func(*config) error

type config struct {
	provider   trace.TracerProvider
	propagator propagation.TextMapPropagator
	attrs      []attribute.KeyValue
	pinned     bool // the instance is known from the start
	text       func(error) string
}

// Provider sets where spans go. Without it nothing is traced. OpenTelemetry's
// global provider is not used unless it is given, as otel.GetTracerProvider().
func Provider(p trace.TracerProvider) Option {
	return func(c *config) error {
		c.provider = p
		return unless(p != nil, "the provider is nil")
	}
}

// Propagator sets how a trace is read from a call and written to it, in place of
// W3C trace context and baggage. What is not W3C arrives only if the server's
// transport allows its keys: see [Headers].
func Propagator(p propagation.TextMapPropagator) Option {
	return func(c *config) error {
		c.propagator = p
		return unless(p != nil, "the propagator is nil")
	}
}

// Attributes adds attributes to each span at its start, where samplers see them; of the
// call itself they see name and kind. The slice is copied. One with the name of
// rpc.system.name or rpc.method replaces that.
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

// Instance says which instance a client calls, where that is known from the start:
// in the function that dials it. Such a span needs no [call.Record] to learn which one
// was chosen, and has its address from the start, where samplers see it.
func Instance(in *sd.Instance) Option {
	return func(c *config) error {
		if in == nil {
			return errors.New("the instance is nil")
		}
		id := in.ID
		if id == "" {
			id = in.Addr
		}
		c.attrs, c.pinned = append(c.attrs, InstanceKey.String(id)), true
		c.attrs = appendAddress(c.attrs, in.Addr, serverAddress)
		return nil
	}
}

// ErrorText puts what text says of an error into the span, as the message of the
// error's event and the description of the status. By default there is none, since
// even the message for the caller may quote the caller's secrets: spans then hold
// the code, the reason and the Go type of the cause.
func ErrorText(text func(err error) string) Option {
	return func(c *config) error {
		c.text = text
		return unless(text != nil, "the function for texts of errors is nil")
	}
}

func unless(ok bool, fault string) error {
	if ok {
		return nil
	}
	return errors.New(fault)
}

// configure panics, with one message that names all faults, if there is one.
func configure(function string, hasNext bool, name string, opts []Option) config {
	var c config
	faults := []error{unless(hasNext, "next is nil"), unless(name != "", "the name is empty")}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(&c))
	}
	if err := errors.Join(faults...); err != nil {
		panic("tracing: " + function + ": " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return c
}
