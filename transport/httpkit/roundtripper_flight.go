package httpkit

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// flight is a request on its instance, from the pick to the end of the answer.
type flight struct {
	lease    lb.Lease[string]
	ctx      context.Context
	outcome  error // written before follow only
	followed bool  // the body decides when it ends
	once     sync.Once
	stop     func() bool // of the context's watch
}

// land ends the flight unless there is a body to follow.
func (f *flight) land() {
	if !f.followed {
		f.lease.Done(f.ctx, f.outcome)
	}
}

// follow ends the flight with the body, if there is one.
func (f *flight) follow(resp *http.Response) {
	if bodiless(resp) {
		return
	}
	f.followed = true
	b := &flightBody{ReadCloser: resp.Body, flight: f}
	resp.Body = b
	if w, ok := b.ReadCloser.(io.Writer); ok { // an upgraded connection is written to
		resp.Body = &flightConn{b, w}
	}
	if f.outcome == nil && lasts(resp) {
		f.lease = f.lease.Answered()
	}
	f.stop = context.AfterFunc(f.ctx, func() { f.end(f.ctx.Err()) })
}

// bodiless reports whether the answer has no body. That of HTTP/2 has then one that is
// empty, and not http.NoBody.
func bodiless(resp *http.Response) bool {
	switch {
	case resp.Body == nil, resp.Body == http.NoBody, resp.Request.Method == http.MethodHead,
		resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		return true
	}
	return resp.ProtoMajor == 2 && resp.ContentLength == 0
}

// lasts reports whether the body has no end that is known: an event stream, an upgraded
// connection, or what the server makes while it sends. When that ends is up to both ends.
func lasts(resp *http.Response) bool {
	return resp.ContentLength < 0 || resp.StatusCode == http.StatusSwitchingProtocols
}

// end tells the balancer what became of the exchange, once. broken is why the body
// ended early, or nil.
func (f *flight) end(broken error) {
	f.once.Do(func() {
		if broken != nil && f.outcome == nil {
			f.outcome = broken
		}
		f.lease.Done(f.ctx, f.outcome)
	})
}

// flightBody is the body of an answer in flight.
type flightBody struct {
	io.ReadCloser
	flight *flight
}

func (b *flightBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.finish(nil)
	case err != nil:
		b.finish(&endpoint.Error{Code: codeOfBroken(err), Outgoing: true, Err: err})
	}
	return n, err
}

func (b *flightBody) Close() error {
	err := b.ReadCloser.Close()
	b.finish(nil)
	return err
}

func (b *flightBody) finish(broken error) {
	b.flight.stop()
	b.flight.end(broken)
}

// codeOfBroken keeps the code of an error of the context.
func codeOfBroken(err error) endpoint.Code {
	if code := endpoint.CodeOf(err); code != endpoint.Unknown {
		return code
	}
	return endpoint.Unavailable
}

// flightConn is the body of an answer of 101.
type flightConn struct {
	*flightBody
	io.Writer
}
