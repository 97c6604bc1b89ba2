package httpkit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/dowelkit/dowel/endpoint"
)

// DecodeJSON makes a request of path, query and headers, by the tags of its
// fields, and of the JSON body, which holds the other fields. A request of which
// no field is left for the body needs none. See the package documentation for
// the tags.
//
// Pass it to [NewHandler] as it is. The body must be one JSON value and nothing
// after it, of type application/json or one that ends in +json. Members that no
// field is named after are ignored, as are unknown query parameters.
//
// What the caller did wrong is an InvalidArgument whose message says what and
// where, in the caller's words: without names of Go types. The status is 415
// for another type of body, 413 for one that is too large, 400 otherwise.
func DecodeJSON[Req any](r *http.Request) (Req, error) {
	var req Req
	err := decodeJSON(r, &req, reflect.TypeFor[Req](), false)
	return req, err
}

// DecodeStrictJSON is [DecodeJSON] for those who want to hear of typing errors:
// a member of the body or a query parameter that no field is named after is an
// InvalidArgument.
func DecodeStrictJSON[Req any](r *http.Request) (Req, error) {
	var req Req
	err := decodeJSON(r, &req, reflect.TypeFor[Req](), true)
	return req, err
}

// DecodeNothing returns the zero request and reads nothing. It is for methods
// that have no argument.
func DecodeNothing[Req any](*http.Request) (Req, error) {
	var req Req
	return req, nil
}

// decodeJSON reads into ptr, a *Req.
func decodeJSON(r *http.Request, ptr any, t reflect.Type, strict bool) error {
	p, err := planOf(t)
	if err != nil {
		return &endpoint.Error{Code: endpoint.Internal, Err: err}
	}
	if p.hasBody() || strict && hasBody(r) {
		if err := p.readBody(r, ptr, strict); err != nil {
			return err
		}
	}
	return p.bind(r, ptr, strict)
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

func (p *plan) readBody(r *http.Request, ptr any, strict bool) error {
	if !hasBody(r) {
		return errNoBody
	}
	if err := checkType(r.Header); err != nil {
		return err
	}
	buf := getBuffer()
	defer putBuffer(buf)
	// Only so much is believed of a length that nobody has kept yet.
	buf.Grow(int(min(max(r.ContentLength, 0), maxPooled/2)) + bytes.MinRead)
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return readFault(r, err)
	}
	if len(bytes.Trim(buf.Bytes(), jsonSpace)) == 0 {
		if p.hasBody() {
			return errNoBody
		}
		return nil
	}
	return p.unmarshal(buf.Bytes(), ptr, strict)
}

func (p *plan) unmarshal(data []byte, ptr any, strict bool) error {
	whole := p.structOf(ptr)
	target := whole
	if p.body.part != nil {
		target = reflect.New(p.body.part).Elem()
	}
	var err error
	if strict {
		err = unmarshalStrict(data, target.Addr().Interface())
	} else {
		err = json.Unmarshal(data, target.Addr().Interface())
	}
	if err != nil {
		return jsonFault(err, target.Type())
	}
	p.body.take(target, whole)
	return nil
}

// unmarshalStrict refuses unknown members, which only a Decoder can, and data
// after the value, which a Decoder alone does not.
func unmarshalStrict(data []byte, ptr any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(ptr); err != nil {
		return err
	}
	if len(bytes.TrimLeft(data[d.InputOffset():], jsonSpace)) > 0 {
		return errTrailing
	}
	return nil
}

const jsonSpace = " \t\r\n"
