package httpkit

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// plan says where each field of a request type stands in an HTTP request. It is
// made once per type, and serves both sides: bind reads a request, split writes
// one. It is immutable.
type plan struct {
	pointer  bool // the request type is a pointer to a struct
	bindings []binding
	queries  map[string]bool // names of bound query parameters
	body     jsonBody
}

// plans caches a *plan or an error by reflect.Type, as encoding/json does.
var plans sync.Map

// planOf returns the plan of a request type, or an error that names all faults
// of its tags.
func planOf(t reflect.Type) (*plan, error) {
	cached, ok := plans.Load(t)
	if !ok {
		p, err := newPlan(t)
		if err != nil {
			cached, _ = plans.LoadOrStore(t, err)
		} else {
			cached, _ = plans.LoadOrStore(t, p)
		}
	}
	if p, ok := cached.(*plan); ok {
		return p, nil
	}
	return nil, cached.(error)
}

func newPlan(t reflect.Type) (*plan, error) {
	p := &plan{queries: map[string]bool{}}
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		p.pointer = true
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return p, nil
	}
	var s tagScan
	s.scan(t, nil)
	if len(s.bindings)+len(s.faults) > 0 {
		for _, name := range s.pointers {
			s.faults = append(s.faults, fmt.Sprintf("%v.%s: a struct with tagged fields must embed others by value", t, name))
		}
	}
	if len(s.faults) > 0 {
		return nil, errors.New(strings.Join(s.faults, "; "))
	}
	p.bindings = s.bindings
	p.body = jsonBodyOf(t, len(p.bindings) > 0)
	for _, b := range p.bindings {
		if b.source == inQuery {
			p.queries[b.name] = true
		}
	}
	return p, nil
}

// hasBody reports whether something of the request travels as JSON.
func (p *plan) hasBody() bool { return !p.body.none }

// wildcards returns the names of the path wildcards that fields are bound to.
func (p *plan) wildcards() []string {
	var names []string
	for _, b := range p.bindings {
		if b.source == inPath {
			names = append(names, b.name)
		}
	}
	return names
}
