package httpkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client is where endpoints made by [NewEndpoint] send their requests: one base
// URL, usually of one instance. It is safe for concurrent use and is made by
// [NewClient].
//
// A client has a transport of its own, and with it connections of its own, unless
// [HTTPClient] gives it another. So Close leaves no connection behind when the
// instance is gone. The transport speaks HTTP/2 over TLS and HTTP/1.1 otherwise.
//
// It follows no redirect: an answer of 3xx is an error of code Unknown. A redirect
// would take a call away from the instance that was chosen for it, and its
// headers to a server that was not. An own *http.Client does as it is set up to.
type Client struct {
	base  *url.URL
	opts  clientOptions
	owned *http.Transport // nil if the user's is used
}

// NewClient returns a client for the server at base: "http://10.0.0.1:8080", or
// with a path that all its endpoints have in common, "https://host/api/v1". It
// connects to nothing yet. All faults of base and options are one error.
func NewClient(base string, opts ...ClientOption) (*Client, error) {
	u, faults := parseBase(base)
	o := clientOptions{timeout: 30 * time.Second, maxResponse: DefaultMaxResponse}
	faults = append(faults, o.apply(opts)...)
	if len(faults) > 0 {
		return nil, fmt.Errorf("httpkit: NewClient: %w", errors.Join(faults...))
	}
	c := &Client{base: u, opts: o}
	if o.http == nil {
		c.owned = newTransport()
	}
	return c, nil
}

// Close closes the idle connections if the client has a transport of its own. A
// call in flight is not cut off. Close may be called more than once; it never
// fails.
func (c *Client) Close() error {
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
	return nil
}

func parseBase(base string) (*url.URL, []error) {
	u, err := url.Parse(base)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the URL may hold a password
		}
		return nil, []error{fmt.Errorf("the base URL is malformed: %w", err)}
	}
	var faults []error
	if u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("the base URL must begin with http:// or https://, not %q", u.Scheme+":"))
	}
	if u.Hostname() == "" {
		faults = append(faults, errors.New("the base URL has no host"))
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		faults = append(faults, errors.New("the base URL must have neither query nor fragment"))
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	return u, faults
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newTransport returns a transport for calls between services: connections are
// kept for as many calls as run at once, and given up before a server's own idle
// timeout (120 s for [NewServer], 60 s and more for the usual proxies) can close
// one under a call.
func newTransport() *http.Transport {
	dialer := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        50 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// bound returns the context of one call. The sooner of its deadlines wins.
func (o *clientOptions) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.timeout)
}

// rebound returns r with the bounds of its call, of which the context that a hook gave
// it may know nothing.
func rebound(bounded context.Context, r *http.Request) (*http.Request, context.CancelFunc) {
	var ctx context.Context
	var cancel context.CancelFunc
	deadline, ok := bounded.Deadline()
	if ok { // one of its own, or the end of the time would be taken for a cancellation
		ctx, cancel = context.WithDeadline(r.Context(), deadline)
	} else {
		ctx, cancel = context.WithCancel(r.Context())
	}
	stop := context.AfterFunc(bounded, func() {
		if !ok || bounded.Err() != context.DeadlineExceeded {
			cancel()
		}
	})
	return r.WithContext(ctx), func() { stop(); cancel() }
}
