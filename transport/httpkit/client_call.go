package httpkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

const (
	// maxErrorBody bounds, in bytes, what is read of an answer that is an error.
	maxErrorBody = 64 << 10
	// What is left of a body is read so that its connection can be used again,
	// unless a new connection is cheaper.
	maxDrain     = 64 << 10
	maxDrainTime = 50 * time.Millisecond
)

// exchanged is one call on its way.
type exchanged struct {
	*method
	start   time.Time
	request *http.Request
	url     url.URL
	status  int
	body    body
	sending sending
}

// call makes one call. req is a *Req; encode gets what of it belongs into the body.
func (m *method) call(ctx context.Context, req any,
	encode func(r *http.Request, body any) error, decode func(*http.Response) error,
) error {
	x := &exchanged{method: m}
	if len(m.finally) == 0 {
		return x.exchange(ctx, req, encode, decode)
	}
	x.start = time.Now()
	var err error = errPanicked // and no success, if nothing is returned
	defer func() { x.finish(ctx, err) }()
	err = x.exchange(ctx, req, encode, decode)
	return err
}

func (x *exchanged) exchange(ctx context.Context, req any,
	encode func(r *http.Request, body any) error, decode func(*http.Response) error,
) error {
	m := x.method
	if err := ctx.Err(); err != nil {
		return &endpoint.Error{Code: endpoint.CodeOf(err), NotProcessed: true, Local: true, Outgoing: true, Err: err}
	}
	bounded, cancel := m.bound(ctx)
	defer cancel()
	bounded = x.sending.trace(bounded)
	if m.http != nil { // it may have a RoundTripper
		bounded = context.WithValue(bounded, sendingKey{}, &x.sending)
	}
	r, err := x.prepare(bounded, req, encode)
	if err != nil {
		return asOutgoing(err, true)
	}
	if r.Context() != bounded {
		var release context.CancelFunc
		r, release = rebound(bounded, r)
		defer release()
	}
	x.request = r
	resp, err := m.send(r)
	if err != nil {
		return x.sending.named(m.failure(r.Context(), err, &x.sending))
	}
	x.status = resp.StatusCode
	x.body = body{from: resp.Body, left: m.maxResponse}
	resp.Body = &x.body
	defer x.body.drain(cancel)
	return x.sending.named(x.read(r.Context(), resp, decode))
}

// prepare makes the request and runs the hooks before it.
func (x *exchanged) prepare(ctx context.Context, req any, encode func(*http.Request, any) error) (*http.Request, error) {
	out, err := x.plan.split(req)
	if err != nil {
		return nil, err
	}
	r := x.newRequest(ctx)
	if err := x.route.fill(r.URL, out.path); err != nil {
		return nil, err
	}
	if len(out.query) > 0 {
		r.URL.RawQuery = out.query.Encode()
	}
	for key, values := range out.header {
		r.Header[key] = values
	}
	if err := encode(r, out.body); err != nil {
		return nil, err
	}
	if !x.foreign {
		var p call.Propagator
		p.Inject(ctx, headerCarrier(r.Header))
	}
	if len(x.before) > 0 && r.Body == http.NoBody {
		r.GetBody = x.noBody
	}
	for _, hook := range x.before {
		if r, err = hook(r); err != nil {
			return nil, err
		}
		if r == nil {
			return nil, errors.New("a ClientBefore hook returned no request")
		}
	}
	return r, nil
}

// read makes a response or an error of an answer.
func (x *exchanged) read(ctx context.Context, resp *http.Response, decode func(*http.Response) error) error {
	for _, hook := range x.after {
		if err := hook(resp); err != nil {
			return asOutgoing(err, false)
		}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return x.readError(resp)
	}
	err := decode(resp)
	switch {
	case err == nil:
		return nil
	case x.body.large:
		return &endpoint.Error{
			Code: endpoint.ResourceExhausted, Outgoing: true,
			Err: fmt.Errorf("%s: %w: more than %d bytes", x.route.pattern, ErrResponseTooLarge, x.maxResponse),
		}
	case x.body.broken != nil:
		return x.failure(ctx, x.body.broken, nil)
	}
	return asOutgoing(fmt.Errorf("%s: the answer %d: %w", x.route.pattern, resp.StatusCode, err), false)
}

// readError takes what has come of an answer that broke off: the status of it
// says more than that.
func (x *exchanged) readError(resp *http.Response) error {
	x.body.left = maxErrorBody
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	var err error
	if x.decodeError != nil {
		err = x.decodeError(resp, data)
	}
	if err == nil {
		if x.foreign {
			err = readForeign(resp, data)
		} else {
			err = readProblem(resp, data)
		}
	} else if endpoint.CodeOf(err) == endpoint.Unknown {
		err = &endpoint.Error{Code: codeOf(resp.StatusCode), Err: err}
	}
	return asOutgoing(err, false)
}

// DecodeError makes an error of an answer that is not a success. If it is a
// [Problem] that names its code, the error has the code, message, reason,
// retry-after and the mark NotProcessed of the server's own error. Otherwise the
// code is the one that belongs to the status, the message is neutral, and the
// first 512 bytes of the answer are in the cause.
func DecodeError(resp *http.Response, body []byte) error { return readProblem(resp, body) }

func (x *exchanged) finish(ctx context.Context, err error) {
	o := ClientOutcome{
		Request: x.request, Status: x.status, Received: x.body.read,
		Duration: time.Since(x.start), Err: err,
	}
	for _, hook := range x.finally {
		hook(ctx, o)
	}
}
