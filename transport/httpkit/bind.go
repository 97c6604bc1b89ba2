package httpkit

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

// structOf returns the struct behind ptr, a *Req; a nil pointer request is made
// if there is none.
func (p *plan) structOf(ptr any) reflect.Value {
	v := reflect.ValueOf(ptr).Elem()
	if !p.pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// bind fills the bound fields of *ptr, a Req, from the request, whatever was in
// them before. Its error names every wrong field, for the caller. Query
// parameters that no field is bound to are an error if strict.
func (p *plan) bind(r *http.Request, ptr any, strict bool) error {
	if len(p.bindings) == 0 && !strict {
		return nil
	}
	query, err := p.parseQuery(r, strict)
	if err != nil {
		return err
	}
	var wrong faults
	dst := p.structOf(ptr)
	for i := range p.bindings {
		b := &p.bindings[i]
		var values []string
		switch b.source {
		case inPath:
			text := r.PathValue(b.name)
			if text == "" && !hasWildcard(r.Pattern, b.name) {
				return &endpoint.Error{Code: endpoint.Internal, Err: fmt.Errorf(
					"httpkit: a field is bound to path wildcard %q, which pattern %q has not", b.name, r.Pattern)}
			}
			values = []string{text}
		case inQuery:
			values = query[b.name]
		case inHeader:
			values = r.Header[b.name]
		}
		if err := b.read(values, dst.FieldByIndex(b.index)); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong.err()
}

func (p *plan) parseQuery(r *http.Request, strict bool) (url.Values, error) {
	if r.URL.RawQuery == "" || len(p.queries) == 0 && !strict {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &endpoint.Error{Code: endpoint.InvalidArgument, Message: "the query of the URL is malformed", Err: err}
	}
	if strict {
		for name := range query {
			if !p.queries[name] {
				return nil, faults{fmt.Errorf("query parameter %s is not known", quote(name))}.err()
			}
		}
	}
	return query, nil
}

func hasWildcard(pattern, name string) bool {
	return strings.Contains(pattern, "{"+name+"}") || strings.Contains(pattern, "{"+name+"...}")
}
