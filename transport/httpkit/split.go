package httpkit

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
)

// outgoing is a request struct taken apart for the wire.
type outgoing struct {
	path   map[string]string // by wildcard, not escaped, never empty or a dot segment
	query  url.Values
	header http.Header
	body   any // to be encoded as JSON, if the plan has a body
}

// split is the inverse of bind. ptr is a *Req, which stays unchanged. The maps
// are nil if nothing is bound. Its error is an InvalidArgument.
func (p *plan) split(ptr any) (outgoing, error) {
	if len(p.bindings) == 0 && !p.pointer {
		return outgoing{body: ptr}, nil
	}
	out := outgoing{path: map[string]string{}, query: url.Values{}, header: http.Header{}, body: ptr}
	v := reflect.ValueOf(ptr).Elem()
	if p.pointer {
		if v.IsNil() {
			return out, faults{errors.New("the request is nil")}.err()
		}
		v = v.Elem()
	}
	var wrong faults
	for i := range p.bindings {
		b := &p.bindings[i]
		values, err := b.write(v.FieldByIndex(b.index))
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case len(values) == 0:
		case b.source == inPath:
			out.path[b.name] = values[0]
		case b.source == inQuery:
			out.query[b.name] = values
		case b.source == inHeader:
			out.header[b.name] = values
		}
	}
	if p.hasBody() && p.body.part != nil {
		out.body = p.body.give(v)
	}
	return out, wrong.err()
}
