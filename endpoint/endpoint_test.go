package endpoint_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// books is a service as a user writes one: plain methods, no type of ours.
type books struct{}

type query struct{ Title string }

func (q query) Validate() error {
	if q.Title == "" {
		return errors.New("title is empty")
	}
	return nil
}

func (books) Find(_ context.Context, q query) (int, error)    { return len(q.Title), nil }
func (*books) Count(_ context.Context, q *query) (int, error) { return len(q.Title), nil }

func find(_ context.Context, q query, _ error) (int, error) { return len(q.Title), nil }

func trace[Req, Resp any](next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return next
}

// That these lines compile is the test: no call site needs a type argument, for
// a method value, a function, a pointer receiver or a wrapped endpoint.
var (
	_ endpoint.Endpoint[query, int] = books{}.Find

	_ = endpoint.Timeout(books{}.Find, time.Second)
	_ = endpoint.Recover(books{}.Find)
	_ = endpoint.Validate(books{}.Find)
	_ = endpoint.Fallback(books{}.Find, find)
	_ = endpoint.Fallback(books{}.Find, func(context.Context, query, error) (int, error) { return 0, nil })
	_ = endpoint.Timeout((&books{}).Count, time.Second)
	_ = endpoint.Validate((&books{}).Count)
	_ = endpoint.Recover(endpoint.Validate(endpoint.Timeout(books{}.Find, time.Second)))
	_ = trace(endpoint.Endpoint[query, int](books{}.Find))

	_ = endpoint.Chain(
		func(next endpoint.Endpoint[query, int]) endpoint.Endpoint[query, int] { return next },
		endpoint.Recover,
		endpoint.Validate,
		trace,
	)(books{}.Find)
)

// noted returns a middleware that writes down when it is passed.
func noted(log *[]string, name string) endpoint.Middleware[string, string] {
	return func(next endpoint.Endpoint[string, string]) endpoint.Endpoint[string, string] {
		*log = append(*log, "wrap "+name)
		return func(ctx context.Context, req string) (string, error) {
			*log = append(*log, name+" in")
			resp, err := next(ctx, req)
			*log = append(*log, name+" out")
			return resp, err
		}
	}
}

func TestChain(t *testing.T) {
	var log []string
	list := []endpoint.Middleware[string, string]{noted(&log, "a"), noted(&log, "b"), noted(&log, "c")}
	chain := endpoint.Chain(list...)
	list[0] = nil // the chain keeps a copy

	e := chain(func(_ context.Context, req string) (string, error) {
		log = append(log, "served")
		return "hello " + req, nil
	})
	for range 2 {
		if got, err := e(t.Context(), "you"); got != "hello you" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	call := []string{"a in", "b in", "c in", "served", "c out", "b out", "a out"}
	want := slices.Concat([]string{"wrap c", "wrap b", "wrap a"}, call, call)
	if !slices.Equal(log, want) {
		t.Errorf("got  %v\nwant %v", log, want)
	}
}

func TestChainOfNothing(t *testing.T) {
	chain := endpoint.Chain[query, int]()
	if got, err := chain(books{}.Find)(t.Context(), query{"Emma"}); got != 4 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// A chain within a chain is the same as one list.
func TestChainNests(t *testing.T) {
	var flat, nested []string
	serve := func(context.Context, string) (string, error) { return "", nil }
	a, b, c := noted(&flat, "a"), noted(&flat, "b"), noted(&flat, "c")
	_, _ = endpoint.Chain(a, b, c)(serve)(t.Context(), "")
	a, b, c = noted(&nested, "a"), noted(&nested, "b"), noted(&nested, "c")
	_, _ = endpoint.Chain(endpoint.Chain(a, b), c)(serve)(t.Context(), "")
	if !slices.Equal(flat, nested) {
		t.Errorf("flat   %v\nnested %v", flat, nested)
	}
}

// One message names every fault of a misuse.
func TestMisusePanics(t *testing.T) {
	var none endpoint.Endpoint[query, int]
	var nothing endpoint.Middleware[query, int]
	for _, tt := range []struct {
		name  string
		build func()
		want  []string
	}{
		{"Chain", func() { endpoint.Chain(nothing, endpoint.Recover, nothing) }, []string{"middleware 1 is nil", "middleware 3 is nil"}},
		{"Timeout", func() { endpoint.Timeout(none, -time.Second) }, []string{"next is nil", "must be positive, not -1s"}},
		{"Timeout", func() { endpoint.Timeout(books{}.Find, 0) }, []string{"must be positive, not 0s"}},
		{"Recover", func() { endpoint.Recover(none) }, []string{"next is nil"}},
		{"Validate", func() { endpoint.Validate(none) }, []string{"next is nil"}},
		{"Fallback", func() { endpoint.Fallback(none, nil) }, []string{"next is nil", "fallback is nil"}},
		{"Fallback", func() { endpoint.Fallback(books{}.Find, nil) }, []string{"fallback is nil"}},
	} {
		message, ok := panics(tt.build).(string)
		if !ok || !strings.HasPrefix(message, "endpoint: "+tt.name+": ") {
			t.Errorf("%s panics with %q", tt.name, message)
		}
		for _, want := range tt.want {
			if !strings.Contains(message, want) {
				t.Errorf("%s panics with %q, without %q", tt.name, message, want)
			}
		}
		if faults := strings.Count(message, ";") + 1; faults != len(tt.want) {
			t.Errorf("%s panics with %q: %d faults, want %d", tt.name, message, faults, len(tt.want))
		}
	}
}

func panics(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
