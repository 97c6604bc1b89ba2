package httpkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// DefaultMaxResponse is how many bytes of a response body a client reads if
// [MaxResponse] does not say otherwise: 1 MiB.
const DefaultMaxResponse = 1 << 20

// ErrResponseTooLarge is the cause of the error, of code ResourceExhausted, of a
// call whose answer is larger than [MaxResponse].
var ErrResponseTooLarge = errors.New("httpkit: the response is too large")

// ClientOption changes a [Client] and so all endpoints of it, or one endpoint,
// whose options come after those of its client. Hooks of several options run in
// the order of the options, and must be safe for concurrent use.
type ClientOption func(*clientOptions) error

type clientOptions struct {
	http        *http.Client  // nil is the client's own transport
	timeout     time.Duration // 0 is none
	maxResponse int64
	foreign     bool
	before      []func(*http.Request) (*http.Request, error)
	after       []func(*http.Response) error
	finally     []func(context.Context, ClientOutcome)
	decodeError func(*http.Response, []byte) error
}

// ClientOutcome is what became of one call of a client.
type ClientOutcome struct {
	// Request is the request as it was sent, nil if it could not be made. Its
	// body has been read.
	Request *http.Request
	// Status is the status of the answer, 0 if there was none.
	Status int
	// Received is the size of the answer's body as far as it was read, in bytes.
	Received int64
	// Duration runs from the call of the endpoint to the end of the answer.
	Duration time.Duration
	// Err is what the endpoint returns. It is of code Internal if the call ended in
	// a panic, of a hook or a decoder, which goes on.
	Err error
}

// HTTPClient makes calls through c, which is used as it is: its transport, TLS,
// proxy, redirects, cookies and timeout are up to its owner, and so is closing
// its connections.
func HTTPClient(c *http.Client) ClientOption {
	return func(o *clientOptions) error {
		o.http = c
		return unless(c != nil, "HTTPClient: the client is nil")
	}
}

// ClientTimeout bounds each call, from its beginning to the end of its answer's
// body. A sooner deadline of the context wins. The default is 30 s; zero leaves
// it to the context alone.
func ClientTimeout(d time.Duration) ClientOption {
	return func(o *clientOptions) error {
		o.timeout = d
		return unless(d >= 0, "ClientTimeout: must not be negative: %v", d)
	}
}

// MaxResponse bounds how many bytes of a response body are read,
// [DefaultMaxResponse] if it is not given. A larger answer ends in
// [ErrResponseTooLarge], after that many bytes. It must be positive.
func MaxResponse(bytes int64) ClientOption {
	return func(o *clientOptions) error {
		o.maxResponse = bytes
		return unless(bytes > 0, "MaxResponse: must be positive, not %d", bytes)
	}
}

// Foreign says that the server belongs to somebody else. Nothing of the call is
// sent to it: neither IDs nor deadline, trace context or keys of the user's own. And
// a [Problem] of it is not believed that it processed nothing, nor when to try again:
// of that only the header Retry-After counts. Detail and reason do not go on to those
// whom we serve: the answer is in the cause, for logs. An [ErrorDecoder] may know better.
func Foreign() ClientOption {
	return func(o *clientOptions) error {
		o.foreign = true
		return nil
	}
}

// ClientBefore runs when the request is complete and before it is sent. The hook
// may change it, to sign it say, or return another, with another context say. The
// call's own bounds hold whatever that is. A hook that changes the body does so by
// [SetBody], or sets GetBody as well: net/http may send it again. An error of the hook
// ends the call.
func ClientBefore(hook func(r *http.Request) (*http.Request, error)) ClientOption {
	return func(o *clientOptions) error {
		o.before = append(slices.Clip(o.before), hook)
		return unless(hook != nil, "ClientBefore: the hook is nil")
	}
}

// ClientAfter runs when the headers of an answer have come, an error's too, and
// before its body is read. An error of it ends the call.
func ClientAfter(hook func(resp *http.Response) error) ClientOption {
	return func(o *clientOptions) error {
		o.after = append(slices.Clip(o.after), hook)
		return unless(hook != nil, "ClientAfter: the hook is nil")
	}
}

// ClientReportTo leaves in load what the server says of its own load, with an answer
// or an error, for [lb.LeastLoaded]: of a load report in the header
// Endpoint-Load-Metrics the application's utilization or, without that, the
// processor's. It is meant for the function that dials an instance:
//
//	func(_ context.Context, in *sd.Instance) (*httpkit.Client, error) {
//		return httpkit.NewClient("http://"+in.Addr, httpkit.ClientReportTo(loads.Of(in.ID)))
//	}
func ClientReportTo(load *lb.Load) ClientOption {
	if load == nil {
		return func(*clientOptions) error { return errors.New("ClientReportTo: the load is nil") }
	}
	return ClientAfter(func(resp *http.Response) error {
		if utilization, ok := reported(resp.Header); ok {
			load.Report(utilization)
		}
		return nil
	})
}

// ClientFinally runs when the call is over, whatever became of it: after a panic, too.
func ClientFinally(hook func(ctx context.Context, o ClientOutcome)) ClientOption {
	return func(o *clientOptions) error {
		o.finally = append(slices.Clip(o.finally), hook)
		return unless(hook != nil, "ClientFinally: the hook is nil")
	}
}

// ErrorDecoder makes the error of an answer that is not 2xx, in place of
// [DecodeError]. body is the first 64 KiB of the answer at most. If it returns
// nil, DecodeError does.
func ErrorDecoder(decode func(resp *http.Response, body []byte) error) ClientOption {
	return func(o *clientOptions) error {
		o.decodeError = decode
		return unless(decode != nil, "ErrorDecoder: the decoder is nil")
	}
}

func (o *clientOptions) apply(opts []ClientOption) (faults []error) {
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		if err := opt(o); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
