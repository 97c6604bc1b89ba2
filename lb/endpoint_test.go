package lb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

func TestEndpointNamesTheInstance(t *testing.T) {
	business := &endpoint.Error{Code: endpoint.NotFound, Reason: "NO_USER", Message: "no such user"}
	e, _ := endpointer(t, instances(1), func(context.Context, string, string) (string, error) {
		return "", fmt.Errorf("wrapped: %w", business)
	})
	_, err := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(t.Context(), "")
	got, ok := errors.AsType[*endpoint.Error](err)
	if !ok || got.Instance != "i0000" || got.Code != endpoint.NotFound || got.Message != "no such user" || !errors.Is(err, business) {
		t.Errorf("error is %v", err)
	}
}

// An error that nobody gave a code stays one, so that it goes out as internal.
func TestEndpointChoosesNoCode(t *testing.T) {
	e, _ := endpointer(t, instances(1), func(context.Context, string, string) (string, error) {
		return "", errors.New("the password is hunter2")
	})
	_, err := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(t.Context(), "")
	if got := endpoint.Public(err); got.Code != endpoint.Internal || strings.Contains(got.Error(), "hunter2") {
		t.Errorf("goes out as %v", got)
	}
	if endpoint.CodeOf(err) != endpoint.Unknown {
		t.Errorf("is %v here", err)
	}
}

// What crosses the wire is the same with and without a balancer between.
func TestEndpointChangesNothingForTheCaller(t *testing.T) {
	for _, err := range []error{
		errors.New("boom"), context.Canceled, context.DeadlineExceeded,
		&endpoint.Error{}, &endpoint.Error{Message: "no code", Reason: "R"}, &endpoint.Error{Code: 99, Message: "no code"},
		&endpoint.Error{Code: endpoint.Unknown}, &endpoint.Error{Code: endpoint.Aborted, Reason: "R", RetryAfter: time.Second},
	} {
		e, _ := endpointer(t, instances(1), func(context.Context, string, string) (string, error) { return "", err })
		_, got := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(t.Context(), "")
		if got, want := *endpoint.Public(got), *endpoint.Public(err); got != want {
			t.Errorf("%v goes out as %+v, want %+v", err, got, want)
		}
	}
}

func TestEndpointRefusesADoneContext(t *testing.T) {
	called := false
	e, _ := endpointer(t, instances(1), func(context.Context, string, string) (string, error) {
		called = true
		return "", nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(ctx, ""); !errors.Is(err, context.Canceled) || called {
		t.Errorf("error %v, called %v", err, called)
	}
}

func TestAPanicReleasesTheInstance(t *testing.T) {
	seen := new(recorder)
	e, _ := endpointer(t, instances(1), func(context.Context, string, string) (string, error) { panic("boom") })
	next := lb.Endpoint(lb.New(e, observing{seen}), (*client).Call)
	func() {
		defer func() { _ = recover() }()
		next(t.Context(), "")
	}()
	if n := e.Set().Node(0).InFlight(); n != 0 {
		t.Errorf("%d calls are in flight after the panic", n)
	}
	if got := seen.take(); len(got) != 1 || got[0].Result != lb.Faulted {
		t.Errorf("outcomes are %v", got)
	}
}

func TestTheRecordNamesTheInstance(t *testing.T) {
	e, _ := endpointer(t, instances(1), nil)
	ctx, record := call.Observe(t.Context())
	if _, err := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if record.Instance() != "i0000" || record.Attempts() != 1 {
		t.Errorf("record is %s, %d attempts", record.Instance(), record.Attempts())
	}
}
