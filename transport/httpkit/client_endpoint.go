package httpkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

// NewEndpoint returns an endpoint that calls one method of the server of c. The
// pattern is that of the server's own http.ServeMux: "POST /users/{id}". What the
// request struct binds by tags goes to path, query and headers as [DecodeJSON]
// reads it there, and the rest to a JSON body. An answer of 2xx is decoded as
// JSON into Resp; 204 and 205 give the zero Resp.
//
// Every error is an [*endpoint.Error] marked Outgoing. It is what the server
// answered, see [DecodeError], or
//   - DeadlineExceeded or Canceled if the context ended, or [ClientTimeout]
//   - Unavailable if the connection failed; marked NotProcessed if it is certain
//     that no server got the request: nothing was dialed, or the stream was refused
//   - ResourceExhausted if the answer is larger than [MaxResponse]
//   - Internal if the answer is 2xx and not what Resp needs
//   - InvalidArgument, marked Local, if the request cannot be put into a URL
//
// NewEndpoint panics if c or an option is nil or out of range, if the pattern is
// malformed, if it and the path tags of Req do not have the same names, or if a
// method without a body would need one.
func NewEndpoint[Req, Resp any](c *Client, pattern string, opts ...ClientOption) endpoint.Endpoint[Req, Resp] {
	m := newMethod("NewEndpoint", c, pattern, reflect.TypeFor[Req](), opts)
	m.checkJSON("NewEndpoint")
	nothing := isNothing(reflect.TypeFor[Resp]())
	return func(ctx context.Context, req Req) (Resp, error) {
		var resp Resp
		err := m.call(ctx, &req, m.encodeJSON, func(r *http.Response) error { return readJSON(r, &resp, nothing) })
		if err != nil {
			var none Resp
			return none, err
		}
		return resp, nil
	}
}

// NewCodecEndpoint is [NewEndpoint] with a codec of your own. encode sets the body
// of r, with [SetBody], and whatever else; path, query and headers are bound by
// tags before. A body that it sets without GetBody is sent once at most. decode
// reads an answer of 2xx, whose body is bounded by [MaxResponse] and need be neither
// drained nor closed. An error of either that has no code becomes Internal.
//
// [EncodeJSONRequest] and [DecodeJSONResponse] are the halves that NewEndpoint uses.
func NewCodecEndpoint[Req, Resp any](
	c *Client, pattern string,
	encode func(r *http.Request, req Req) error,
	decode func(resp *http.Response) (Resp, error),
	opts ...ClientOption,
) endpoint.Endpoint[Req, Resp] {
	m := newMethod("NewCodecEndpoint", c, pattern, reflect.TypeFor[Req](), opts,
		unless(encode != nil, "encode is nil"), unless(decode != nil, "decode is nil"))
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		err = m.call(ctx, &req,
			func(r *http.Request, _ any) error { return encode(r, req) },
			func(r *http.Response) (err error) { resp, err = decode(r); return err })
		if err != nil {
			var none Resp
			return none, err
		}
		return resp, nil
	}
}

// method is one endpoint, without its types.
type method struct {
	clientOptions
	client *Client
	route  *route
	plan   *plan

	blankRequest *http.Request
}

func newMethod(function string, c *Client, pattern string, req reflect.Type, opts []ClientOption, more ...error) *method {
	m := &method{client: c}
	faults := append(more, unless(c != nil, "the client is nil"))
	if c != nil {
		m.clientOptions = c.opts
	}
	faults = append(faults, m.apply(opts)...)
	rt, broken := parseRoute(pattern)
	faults = append(faults, broken...)
	p, err := planOf(req)
	faults = append(faults, err)
	if err == nil && len(broken) == 0 {
		faults = append(faults, rt.match(p.wildcards())...)
	}
	refuse(function, faults)
	m.route, m.plan = rt, p
	m.blankRequest = m.blank()
	return m
}

// checkJSON panics if the request needs a body and its method has none.
func (m *method) checkJSON(function string) {
	switch m.route.method {
	case http.MethodGet, http.MethodHead, http.MethodTrace, http.MethodConnect:
		if m.plan.hasBody() {
			refuse(function, []error{fmt.Errorf("the pattern %q: a %s request has no body: "+
				`give every field of the request a tag path, query, header or json:"-"`, m.route.pattern, m.route.method)})
		}
	}
}

// refuse panics with all faults in one line.
func refuse(function string, faults []error) {
	var texts []string
	if err := errors.Join(faults...); err != nil {
		texts = strings.Split(err.Error(), "\n")
	}
	if len(texts) > 0 {
		panic("httpkit: " + function + ": " + strings.Join(texts, "; "))
	}
}
