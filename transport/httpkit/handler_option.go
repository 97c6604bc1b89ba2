package httpkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/dowelkit/dowel/call"
)

// DefaultMaxBody is how many bytes of a request body a handler reads if
// [MaxBody] does not say otherwise: 1 MiB.
const DefaultMaxBody = 1 << 20

// HandlerOption changes a handler that [NewHandler] makes. Hooks of several
// options run in the order of the options, and must be safe for concurrent use.
type HandlerOption func(*handlerConfig)

type handlerConfig struct {
	maxBody     int64
	timeout     time.Duration // 0 is none
	allow       []string
	before      []func(context.Context, *http.Request) context.Context
	after       []func(context.Context, int, http.Header)
	finally     []func(context.Context, *http.Request, Outcome)
	encodeError func(context.Context, http.ResponseWriter, error)
	logger      *slog.Logger // nil is slog.Default at the time
	faults      []string
}

func (c *handlerConfig) require(ok bool, format string, args ...any) bool {
	if !ok {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
	return ok
}

// MaxBody sets how many bytes of a body are read, [DefaultMaxBody] if it is not
// given. A larger body is answered with 413; for decoders of the user's own it
// ends in an [*http.MaxBytesError]. It must be positive.
func MaxBody(bytes int64) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(bytes > 0, "MaxBody: must be positive, not %d", bytes) {
			c.maxBody = bytes
		}
	}
}

// HandlerTimeout bounds each call, from its headers to the end of its answer:
// the context is done after d at the latest. The deadline that a caller sends
// can only be sooner. Without this option there is no other. It must be positive.
func HandlerTimeout(d time.Duration) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(d > 0, "HandlerTimeout: must be positive, not %v", d) {
			c.timeout = d
		}
	}
}

// Allow names headers that travel on with the call, see [call.Value]. None do
// without it but those of the toolkit and of W3C trace context.
func Allow(headers ...string) HandlerOption {
	return func(c *handlerConfig) { c.allow = append(c.allow, headers...) }
}

// Before runs ahead of the decoder. The context that it returns is that of the
// call from then on. The request's own is the one before all hooks, and its body
// is bounded already.
func Before(hook func(ctx context.Context, r *http.Request) context.Context) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(hook != nil, "Before: the hook is nil") {
			c.before = append(c.before, hook)
		}
	}
}

// After runs just before the headers of an answer are written, an error's too,
// and may change them.
func After(hook func(ctx context.Context, status int, header http.Header)) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(hook != nil, "After: the hook is nil") {
			c.after = append(c.after, hook)
		}
	}
}

// ReportLoad tells clients with each answer how busy the server is: 0 is idle, 1 what
// it can bear. utilization is called once per answer, from many goroutines, and should
// be fast; what it returns below zero or not finite is left out. The answer has it in
// the header Endpoint-Load-Metrics, as Envoy knows it; [ReportTo] and [ClientReportTo]
// read it.
func ReportLoad(utilization func() float64) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(utilization != nil, "ReportLoad: the function is nil") {
			c.after = append(c.after, func(_ context.Context, _ int, header http.Header) {
				SetLoad(header, utilization())
			})
		}
	}
}

// Finally runs when the exchange is over, whatever became of it: after a panic
// and when the client hung up, too.
func Finally(hook func(ctx context.Context, r *http.Request, o Outcome)) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(hook != nil, "Finally: the hook is nil") {
			c.finally = append(c.finally, hook)
		}
	}
}

// ErrorEncoder answers errors in place of [EncodeError]. It gets the error with
// its cause, so that it is up to encode to keep that from the caller;
// [endpoint.Public] and [StatusOf] help. If it writes nothing, EncodeError does.
func ErrorEncoder(encode func(ctx context.Context, w http.ResponseWriter, err error)) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(encode != nil, "ErrorEncoder: the encoder is nil") {
			c.encodeError = encode
		}
	}
}

// Logger sets where a handler writes what no middleware of the endpoint can see:
// panics with their stack, responses that cannot be encoded, decoders that fail
// by the server's fault. It is [slog.Default] if it is not given.
func Logger(logger *slog.Logger) HandlerOption {
	return func(c *handlerConfig) {
		if c.require(logger != nil, "Logger: the logger is nil") {
			c.logger = logger
		}
	}
}

// propagator adds the faults of the allowed keys to the others.
func (c *handlerConfig) propagator() (p *call.Propagator) {
	defer func() {
		if v := recover(); v != nil {
			c.require(false, "Allow: %s", strings.TrimPrefix(fmt.Sprint(v), "call: NewPropagator: "))
		}
	}()
	return call.NewPropagator(c.allow...)
}
