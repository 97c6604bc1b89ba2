package grpckit

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/transport"
)

// ServerOption changes a server that [NewServer] makes.
type ServerOption func(*serverConfig) error

type serverConfig struct {
	creds      credentials.TransportCredentials // nil is plain text
	timeout    time.Duration                    // 0 is none
	maxReceive int
	allow      []string
	logger     *slog.Logger // nil is slog.Default at the time
	streams    *slog.Logger // nil does not log streams
	readiness  *transport.Readiness
	load       func() float64 // nil reports none
	grpc       []grpc.ServerOption
}

// TLS encrypts every connection. Set ClientAuth and ClientCAs of c to make it mutual.
// c is copied. Without this option connections are in plain text.
func TLS(c *tls.Config) ServerOption {
	return func(s *serverConfig) error {
		if c == nil {
			return errors.New("TLS: the configuration is nil")
		}
		s.creds = credentials.NewTLS(c)
		return nil
	}
}

// Timeout bounds each unary call: its context is done after d at the latest. The
// deadline of the caller can only be sooner. Without this option there is no other. It
// must be positive. Streams have their callers' deadlines alone.
func Timeout(d time.Duration) ServerOption {
	return func(s *serverConfig) error {
		s.timeout = d
		return unless(d > 0, "Timeout: must be positive, not %v", d)
	}
}

// MaxReceive bounds the messages that are received, in bytes, [DefaultMaxMessage] if
// it is not given. A larger one is an error of code ResourceExhausted. It must be
// positive.
func MaxReceive(bytes int) ServerOption {
	return func(s *serverConfig) error {
		s.maxReceive = bytes
		return unless(bytes > 0, "MaxReceive: must be positive, not %d", bytes)
	}
}

// Allow names keys of metadata that travel on with the call, see [call.Value]. None do
// without it but those of the toolkit and of W3C trace context.
func Allow(keys ...string) ServerOption {
	return func(s *serverConfig) error {
		s.allow = append(s.allow, keys...)
		return nil
	}
}

// Logger sets where panics are written, with their stack. It is [slog.Default] if it
// is not given.
func Logger(logger *slog.Logger) ServerOption {
	return func(s *serverConfig) error {
		s.logger = logger
		return unless(logger != nil, "Logger: the logger is nil")
	}
}

// LogStreams writes one record for each stream when it ends, as log.Calls does for the
// calls of an endpoint.
func LogStreams(logger *slog.Logger) ServerOption {
	return func(s *serverConfig) error {
		s.streams = logger
		return unless(logger != nil, "LogStreams: the logger is nil")
	}
}

// Readiness makes the health service say what r says: give [transport.MarkReady] the
// same.
func Readiness(r *transport.Readiness) ServerOption {
	return func(s *serverConfig) error {
		s.readiness = r
		return unless(r != nil, "Readiness: it is nil")
	}
}

// ReportLoad tells, with each answer, how busy this server is: 0 is idle, 1 is all that
// it can bear, and what is negative or no finite number is not told. Clients with
// [ReportTo] and those of grpc-go that balance by weight heed it. The function is called
// at the end of each call and stream, so it must be fast and safe for concurrent use.
func ReportLoad(utilization func() float64) ServerOption {
	return func(s *serverConfig) error {
		s.load = utilization
		return unless(utilization != nil, "ReportLoad: the function is nil")
	}
}

// ServerOptions passes options on to grpc-go, after those of the toolkit. Interceptors
// of streams must be chained, see [grpc.ChainStreamInterceptor]: grpc-go panics
// otherwise.
func ServerOptions(opts ...grpc.ServerOption) ServerOption {
	return func(s *serverConfig) error {
		s.grpc = append(s.grpc, opts...)
		return nil
	}
}

// newInbound panics with all faults of the options.
func newInbound(function string, opts []ServerOption) *inbound {
	in := &inbound{serverConfig: serverConfig{maxReceive: DefaultMaxMessage}}
	var faults []error
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(&in.serverConfig))
	}
	for i, opt := range in.grpc {
		faults = append(faults, unless(opt != nil, "ServerOptions: option %d is nil", i+1))
	}
	var err error
	in.propagator, err = propagator(in.allow)
	refuse(function, append(faults, err)...)
	return in
}

// propagator returns the panic of a wrong key as a fault among the others.
func propagator(allow []string) (p *call.Propagator, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("Allow: %s", strings.TrimPrefix(fmt.Sprint(v), "call: NewPropagator: "))
		}
	}()
	return call.NewPropagator(allow...), nil
}
