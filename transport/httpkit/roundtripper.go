package httpkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// RoundTripper is a transport for any [http.Client] that knows services by name.
// It sends a request for "http://stringsvc/path" to a live instance of the service
// "stringsvc", and one for any other host where its base does. It is safe for
// concurrent use and is made by [NewRoundTripper].
//
// The instance is connected to by its address; the Host header stays the name of
// the service, unless the request sets its own. With https the certificate is
// checked against the address: set the ServerName of the base's TLS configuration
// where it should be the name.
//
// To a service a request takes along the call of its context, what is left of the
// deadline and what a tracer adds, as calls of a [Client] do; headers that it has
// already stay, but for what a [call.Injector] writes anew. Any other host is told
// nothing of that.
//
// A request is in flight on its instance until the end of the answer's body, its
// Close, or the end of the request's context; until its headers if it has none. So long
// is its latency; but where the length of the body is not known, as of an event
// stream, a WebSocket, what is made while it is sent and what the base decompresses, that
// ends with the headers, and how long the body takes speaks neither for nor against the
// instance: see [lb.Lease.Answered]. Its breaking does.
// An answer of 408 or 5xx, 501 aside, and a connection that breaks, counts as a fault
// of the instance. Nothing is tried again, but GetBody is kept for those who do. If no
// instance is live the error wraps [lb.ErrNoInstance]. The errors of a [Client] over a
// RoundTripper, see [HTTPClient], name the instance that was picked last, so that
// [lb.Retry] avoids it.
//
// A request that comes before the instances are known waits for them, until its
// context ends, or the watch has failed for three seconds, or the RoundTripper is ten
// seconds old; see [lb.Balancer.PickOrWait].
type RoundTripper struct {
	base     http.RoundTripper
	owned    *http.Transport
	services map[string]*service
	loads    *lb.Loads // nil if nobody wants to know
}

// service is one name and its instances.
type service struct {
	endpointer *sd.Endpointer[string]
	balancer   *lb.Balancer[string]
}

// NewRoundTripper returns a transport that balances the services it is given. It
// watches them at once and until Close. It panics if an option is nil or given
// nil, if there is no [Service], or if one is there twice or has a name that is no
// host.
func NewRoundTripper(opts ...RoundTripperOption) *RoundTripper {
	c := newRoundTripperConfig(opts)
	t := &RoundTripper{base: c.base, services: make(map[string]*service, len(c.services)), loads: c.loads}
	if t.base == nil {
		t.owned = newTransport()
		t.base = t.owned
	}
	for name, s := range c.services {
		e := sd.NewEndpointer(s.instances, address, s.opts...)
		t.services[name] = &service{e, lb.New(e, s.strategy)}
	}
	return t
}

// address is all that is dialed in advance: the base pools connections by it.
func address(_ context.Context, in *sd.Instance) (string, error) { return in.Addr, nil }

// RoundTrip is for [http.Client]; see [http.RoundTripper].
func (t *RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	s := t.services[strings.ToLower(r.URL.Host)]
	if s == nil {
		return t.base.RoundTrip(r)
	}
	ctx := r.Context()
	err := ctx.Err()
	var lease lb.Lease[string]
	if err == nil {
		lease, err = s.balancer.PickOrWait(ctx)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as a transport must, errors included
		}
		return nil, err
	}
	picked(ctx, &lease.Instance().ID)
	f := &flight{lease: lease, ctx: ctx, outcome: errPanicked}
	defer f.land()
	resp, err := t.base.RoundTrip(readdress(r, lease.Client()))
	if err != nil {
		f.outcome = err
		return nil, err
	}
	resp.Request = r
	f.outcome = outcomeOf(resp)
	if t.loads != nil {
		if utilization, ok := reported(resp.Header); ok {
			t.loads.Of(lease.Instance().ID).Report(utilization)
		}
	}
	f.follow(resp)
	return resp, nil
}

// errPanicked is what an exchange is booked as when the base panics.
var errPanicked = &endpoint.Error{Code: endpoint.Internal, Message: "panic"}

// readdress returns a copy of r that goes to addr, and tells of its call.
func readdress(r *http.Request, addr string) *http.Request {
	out, u := *r, *r.URL
	if out.Host == "" {
		out.Host = u.Host
	}
	u.Host = addr
	out.URL = &u
	if ctx := r.Context(); call.From(ctx) != nil || hasDeadline(ctx) {
		if out.Header = r.Header.Clone(); out.Header == nil { // a transport must not change r
			out.Header = make(http.Header)
		}
		var p call.Propagator
		p.Inject(ctx, headerCarrier(out.Header))
	}
	return &out
}

func hasDeadline(ctx context.Context) bool {
	_, ok := ctx.Deadline()
	return ok
}

// outcomeOf is what a balancer is told of an answer.
func outcomeOf(resp *http.Response) error {
	if resp.StatusCode < 400 {
		return nil
	}
	return &endpoint.Error{
		Code: codeOf(resp.StatusCode), RetryAfter: parseRetryAfter(resp.Header), Outgoing: true,
	}
}

// Ready waits until every service has a live instance. If ctx ends before, the
// error wraps the context's and says what went wrong so far. No request needs it, but
// a server that is to take no calls before it can make its own does.
func (t *RoundTripper) Ready(ctx context.Context) error {
	var errs []error
	for name, s := range t.services {
		if err := s.endpointer.Ready(ctx); err != nil {
			errs = append(errs, fmt.Errorf("httpkit: service %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// CloseIdleConnections closes those of the base, if it can; http.Client calls it.
func (t *RoundTripper) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close ends the watches and waits for the requests in flight, each service for as
// long as its [sd.DrainTimeout] at most. Idle connections of a base of the toolkit's
// own are closed too. Requests to services fail from then on. Close may be called more
// than once.
func (t *RoundTripper) Close() error {
	errs := make(chan error, len(t.services))
	for _, s := range t.services {
		go func() { errs <- s.endpointer.Close() }()
	}
	var all []error
	for range t.services {
		all = append(all, <-errs)
	}
	if t.owned != nil {
		t.owned.CloseIdleConnections()
	}
	return errors.Join(all...)
}
