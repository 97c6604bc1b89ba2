package httpkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/dowelkit/dowel/endpoint"
)

// sending watches a request for the proof that no server got it: the transport
// looked for a connection and never had one. Nothing weaker will do. The text of
// an error does not tell, since net/http repeats a request by itself, and the last
// of its attempts may have failed to dial after the first was processed. Nor will
// a failed write: what was written before may have been enough.
type sending struct {
	hooks     httptrace.ClientTrace
	asked     atomic.Bool
	connected atomic.Bool
	instance  atomic.Pointer[string] // the ID of that which a RoundTripper picked last
}

type sendingKey struct{}

// picked tells the call of a client, if the request is of one, who is to serve it.
func picked(ctx context.Context, id *string) {
	if s, ok := ctx.Value(sendingKey{}).(*sending); ok {
		s.instance.Store(id)
	}
}

// named adds who was to serve the call to its error, which nobody else has.
func (s *sending) named(err error) error {
	if id := s.instance.Load(); id != nil {
		if e, ok := err.(*endpoint.Error); ok && e.Instance == "" {
			e.Instance = *id
		}
	}
	return err
}

func (s *sending) trace(ctx context.Context) context.Context {
	s.hooks.GetConn = func(string) { s.asked.Store(true) }
	s.hooks.GotConn = func(httptrace.GotConnInfo) { s.connected.Store(true) }
	return httptrace.WithClientTrace(ctx, &s.hooks)
}

// never reports whether no server can have got the request. A transport that does
// not tell of its connections leaves that open.
func (s *sending) never() bool { return s != nil && s.asked.Load() && !s.connected.Load() }

// marks returns what the error of a transport proves of the call. A refusal by this
// process proves nothing of one that has reached a server before: a redirect may come
// after the work was done, and lead to a service that nobody offers.
func (s *sending) marks(err error) (local, unsent bool) {
	local, unsent = endpoint.IsLocal(err), endpoint.IsNotProcessed(err)
	if reached := s == nil || s.connected.Load(); reached && local {
		return false, false
	}
	return local, unsent
}

// failure makes an error of an exchange that broke. s is nil once an answer came.
func (m *method) failure(ctx context.Context, err error, s *sending) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL may hold what a log must not
	}
	err = fmt.Errorf("%s at %s: %w", m.route.pattern, m.client.base.Host, err)
	local, unsent := s.marks(err)
	e := &endpoint.Error{
		Code: endpoint.Unavailable, NotProcessed: unsent || s.never() || refusedStream(err),
		Local: local, Outgoing: true, Err: err,
	}
	switch cause := ctx.Err(); {
	case cause != nil:
		e.Code = endpoint.CodeOf(cause)
		if !errors.Is(err, cause) {
			e.Err = fmt.Errorf("%w: %w", cause, err)
		}
	case isCoded(err): // by a transport that balances, for instance
		coded := asOutgoing(err, false)
		coded.Local, coded.NotProcessed = local, unsent
		return coded
	case !e.NotProcessed && isTimeout(err):
		e.Code = endpoint.DeadlineExceeded
	}
	return e
}

func isCoded(err error) bool {
	_, ok := errors.AsType[*endpoint.Error](err)
	return ok
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// refusedStream reports whether an HTTP/2 server refused the stream, which RFC
// 9113, section 8.7 makes a promise that it processed nothing of it. net/http
// copies its own error into a struct of the same fields.
func refusedStream(err error) bool {
	const refused = 0x7
	e, ok := errors.AsType[streamError](err)
	return ok && e.Code == refused
}

// streamError has the fields of net/http's.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// readForeign is readProblem for a server that is not ours. Of a problem it believes
// the code, so that it means the same to a limiter or a breaker, and nothing else: its
// texts go to the cause, as those of any stranger, and not on to those whom we serve.
func readForeign(resp *http.Response, body []byte) *endpoint.Error {
	e := strangersError(resp, body)
	if p, ok := parseProblem(resp.Header.Get("Content-Type"), body); ok {
		e.Code, e.Message = p.Code, endpoint.Public(&endpoint.Error{Code: p.Code}).Message
	}
	return e
}

// asOutgoing marks what an endpoint returns. An error without a code is Internal:
// what this process or the server made of the call is not what it should be.
func asOutgoing(err error, local bool) *endpoint.Error {
	inner, coded := errors.AsType[*endpoint.Error](err)
	e := endpoint.Error{Code: endpoint.CodeOf(err), Err: err}
	switch {
	case coded && error(inner) == err:
		e = *inner
	case coded:
		e.Message, e.Reason = inner.Message, inner.Reason
		e.RetryAfter, e.NotProcessed = endpoint.RetryAfter(err), endpoint.IsNotProcessed(err)
		e.Local = endpoint.IsLocal(err)
	case e.Code == endpoint.Unknown:
		e.Code = endpoint.Internal
	}
	e.Outgoing, e.Local = true, e.Local || local
	return &e
}
