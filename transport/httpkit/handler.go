package httpkit

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// NewHandler returns a handler that decodes the request, calls the endpoint and
// encodes the response. Mount it on any mux; methods and paths are the mux's.
//
//	mux.Handle("POST /uppercase", httpkit.NewHandler(svc.Uppercase, httpkit.DecodeJSON, httpkit.EncodeJSON))
//
// decode and encode are functions of the toolkit or the user's own. decode finds
// the body bounded by [MaxBody] and the context of the call in the request. If
// encode fails before it wrote anything, its error is answered like one of the
// endpoint.
//
// The context of the call has what the headers say of it (see
// [call.Propagator.Extract]), the caller's address and its deadline. The request
// ID, made if there is none, is sent back as X-Request-Id.
//
// A call that is over before the endpoint is called, by its deadline or because
// the caller hung up, is not begun, and its error is marked NotProcessed.
//
// Errors are answered by [EncodeError]. The handler logs none of the endpoint: one
// without a code is a 500 with a neutral text, and its cause is lost unless the
// endpoint is wrapped in log.Calls. A panic is one of code Internal if nothing is
// written yet; if something is, or the encoder fails in the middle, the handler
// panics with [http.ErrAbortHandler], so that nobody takes half an answer for a
// whole one. An http.ErrAbortHandler of the user's passes through.
//
// The handler is safe for concurrent use if what it is given is. NewHandler
// panics, naming all faults, if e, decode, encode or an option is nil, if an
// option is out of range, or if a field of Req has a malformed path, query or
// header tag.
func NewHandler[Req, Resp any](
	e endpoint.Endpoint[Req, Resp],
	decode func(*http.Request) (Req, error),
	encode func(context.Context, http.ResponseWriter, Resp) error,
	opts ...HandlerOption,
) http.Handler {
	run := func(ctx context.Context, x *exchange, r *http.Request) error {
		req, err := decode(r)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // a call that is over need not begin
			return &endpoint.Error{Code: endpoint.CodeOf(err), NotProcessed: true, Err: err}
		}
		x.stage = stageCall
		resp, err := e(ctx, req)
		if err != nil {
			return err
		}
		x.stage = stageEncode
		return encode(ctx, &x.response, resp)
	}
	return newHandler(run, reflect.TypeFor[Req](), e == nil, decode == nil, encode == nil, opts)
}

// handler is everything in the way of a request that does not depend on its type.
type handler struct {
	handlerConfig
	propagator *call.Propagator
	run        func(context.Context, *exchange, *http.Request) error
}

func newHandler(
	run func(context.Context, *exchange, *http.Request) error,
	req reflect.Type, noEndpoint, noDecode, noEncode bool, opts []HandlerOption,
) *handler {
	c := handlerConfig{maxBody: DefaultMaxBody, encodeError: EncodeError}
	c.require(!noEndpoint, "the endpoint is nil")
	c.require(!noDecode, "the decoder is nil")
	c.require(!noEncode, "the encoder is nil")
	if _, err := planOf(req); err != nil {
		c.require(false, "%v", err)
	}
	for i, opt := range opts {
		if c.require(opt != nil, "option %d is nil", i+1) {
			opt(&c)
		}
	}
	p := c.propagator()
	if len(c.faults) > 0 {
		panic("httpkit: NewHandler: " + strings.Join(c.faults, "; "))
	}
	return &handler{handlerConfig: c, propagator: p, run: run}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{response: response{ResponseWriter: w, head: r.Method == http.MethodHead}}
	if len(h.finally) > 0 {
		x.start = time.Now()
	}
	ctx, cancel := h.context(r)
	defer cancel()
	x.requestID[0] = call.From(ctx).RequestID()
	w.Header()[call.RequestIDKey] = x.requestID[:]

	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, h.maxBody)
	}
	var err error
	if len(h.before) > 0 {
		ctx, err = h.prepare(ctx, x, r)
	}
	if len(h.after) > 0 {
		x.after = h.afterwards(ctx, w)
	}
	if err == nil {
		err = h.respond(ctx, x, r)
	}
	abort := false
	if err != nil {
		err, abort = h.fail(ctx, x, r, err)
	}
	h.finish(ctx, x, r, err)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// context returns what the headers say of the call. The timeout of our own comes
// first: the other way round it would ask for the timer of the caller's.
func (h *handler) context(r *http.Request) (context.Context, context.CancelFunc) {
	if h.timeout <= 0 {
		return h.propagator.Extract(r.Context(), headerCarrier(r.Header), call.Peer(r.RemoteAddr))
	}
	own, cancelOwn := context.WithTimeout(r.Context(), h.timeout)
	ctx, cancel := h.propagator.Extract(own, headerCarrier(r.Header), call.Peer(r.RemoteAddr))
	return ctx, func() { cancel(); cancelOwn() }
}

// afterwards returns all hooks of [After] in one.
func (h *handler) afterwards(ctx context.Context, w http.ResponseWriter) func(status int) {
	return func(status int) {
		for _, hook := range h.after {
			hook(ctx, status, w.Header())
		}
	}
}
