package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/tracing"
)

func TestOutcome(t *testing.T) {
	for code := endpoint.OK; code <= endpoint.Unauthenticated; code++ {
		name := strings.ToUpper(code.String())
		if code == endpoint.Canceled {
			name = "CANCELLED" // as gRPC spells it
		}
		var err error
		if code != endpoint.OK {
			err = fmt.Errorf("wrapped: %w", &endpoint.Error{Code: code})
		}
		ours := false
		switch code {
		case endpoint.Unknown, endpoint.DeadlineExceeded, endpoint.Unimplemented, endpoint.Internal,
			endpoint.Unavailable, endpoint.DataLoss:
			ours = true
		}
		t.Run(code.String(), func(t *testing.T) {
			outcome(t, trace.SpanKindServer, err, name, ours)
			outcome(t, trace.SpanKindClient, err, name, err != nil)
		})
	}
}

func outcome(t *testing.T, kind trace.SpanKind, err error, name string, isError bool) {
	t.Helper()
	r := record(t)
	e := tracing.Server(failing(err), "shop/Buy", r.option())
	if kind == trace.SpanKindClient {
		e = tracing.Client(failing(err), "shop/Buy", r.option())
	}
	if _, got := e(t.Context(), "x"); got != err {
		t.Fatalf("%v: the error is %v, want %v itself", kind, got, err)
	}
	s := r.only(t)
	want := with("shop/Buy", map[attribute.Key]any{"rpc.response.status_code": name})
	status := codes.Unset
	if isError {
		want["error.type"], status = name, codes.Error
	}
	same(t, kind.String(), attributes(s.Attributes), want)
	if s.Name != "shop/Buy" || s.SpanKind != kind || s.Status.Code != status || s.Status.Description != "" {
		t.Errorf("%v: %q of kind %v with status %v, want status %v", kind, s.Name, s.SpanKind, s.Status, status)
	}
	events := 0
	if err != nil {
		events = 1
	}
	if len(s.Events) != events {
		t.Errorf("%v: %d events, want %d", kind, len(s.Events), events)
	}
}

type driverError struct{ password string }

func (e *driverError) Error() string { return "cannot log in with " + e.password }

func TestNoTextOfAnErrorIsTraced(t *testing.T) {
	r := record(t)
	err := &endpoint.Error{
		Code: endpoint.Internal, Message: "hunter2 is too short", Reason: "LOGIN", Err: fmt.Errorf("db: %w", &driverError{"hunter2"}),
	}
	_, _ = tracing.Server(failing(err), "Login", r.option())(t.Context(), "hunter2")
	_, _ = tracing.Client(failing(err), "Login", r.option())(t.Context(), "hunter2")
	for _, s := range r.spans() {
		if strings.Contains(fmt.Sprintf("%+v", s), "hunter2") {
			t.Errorf("the span holds the secret: %+v", s)
		}
		same(t, "the event", attributes(s.Events[0].Attributes), map[attribute.Key]any{
			"exception.type": "*tracing_test.driverError", tracing.ReasonKey: "LOGIN",
		})
		if s.Events[0].Name != "exception" {
			t.Errorf("the event is named %q", s.Events[0].Name)
		}
	}
}

func TestErrorText(t *testing.T) {
	r := record(t)
	public := tracing.ErrorText(func(err error) string { return endpoint.Public(err).Message })
	err := &endpoint.Error{Code: endpoint.Internal, Message: "try later", Err: errors.New("secret")}
	_, _ = tracing.Server(failing(err), "Login", r.option(), public)(t.Context(), "")
	s := r.only(t)
	if got := attributes(s.Events[0].Attributes)["exception.message"]; got != "try later" || s.Status.Description != "try later" {
		t.Errorf("event %v, status %q, want the public message in both", got, s.Status.Description)
	}
}

func TestAPanicEndsTheSpanAndGoesOn(t *testing.T) {
	r := record(t)
	e := tracing.Server(func(context.Context, string) (string, error) { panic("secret") }, "Login", r.option())
	func() {
		defer func() {
			if v := recover(); v != "secret" {
				t.Errorf("recovered %v, want the value", v)
			}
		}()
		_, _ = e(t.Context(), "")
	}()
	s := r.only(t)
	if s.Status.Code != codes.Error || attributes(s.Attributes)["error.type"] != "INTERNAL" {
		t.Errorf("status %v, attributes %v, want an internal error", s.Status, s.Attributes)
	}
	if got := attributes(s.Events[0].Attributes)["exception.type"]; got != "*endpoint.PanicError" {
		t.Errorf("the event is of type %v", got)
	}
}

func TestWhoGaveUpIsNoError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		here   bool
		status codes.Code
	}{
		{"this side", true, codes.Unset},
		{"the other side", false, codes.Error},
	} {
		r := record(t)
		ctx, cancel := context.WithCancel(t.Context())
		e := tracing.Client(func(ctx context.Context, _ string) (string, error) {
			if tt.here {
				cancel()
				return "", ctx.Err()
			}
			return "", &endpoint.Error{Code: endpoint.Canceled}
		}, "Get", r.option())
		_, _ = e(ctx, "")
		cancel()
		s := r.only(t)
		if s.Status.Code != tt.status || attributes(s.Attributes)["rpc.response.status_code"] != "CANCELLED" {
			t.Errorf("%s: status %v, attributes %v", tt.name, s.Status, s.Attributes)
		}
		if events := len(s.Events); (events > 0) != (tt.status == codes.Error) {
			t.Errorf("%s: %d events", tt.name, events)
		}
	}
}

func TestServerSaysWhoAsked(t *testing.T) {
	for _, tt := range []struct {
		peer string
		want map[attribute.Key]any
	}{
		{"192.0.2.7:4711", map[attribute.Key]any{"network.peer.address": "192.0.2.7", "network.peer.port": int64(4711)}},
		{"[2001:db8::7]:80", map[attribute.Key]any{"network.peer.address": "2001:db8::7", "network.peer.port": int64(80)}},
		{"@", nil},
		{":80", nil},
		{"host:http", nil},
		{"", nil},
	} {
		r := record(t)
		ctx := call.With(t.Context(), call.Peer(tt.peer))
		_, _ = tracing.Server(echo, "Get", r.option())(ctx, "")
		want := with("Get", map[attribute.Key]any{"rpc.response.status_code": "OK"})
		for k, v := range tt.want {
			want[k] = v
		}
		same(t, tt.peer, attributes(r.only(t).Attributes), want)
	}
}

func TestAttributes(t *testing.T) {
	r := record(t)
	own := []attribute.KeyValue{attribute.String("team", "shop"), attribute.String("rpc.system.name", "grpc")}
	opt := tracing.Attributes(own...)
	own[0] = attribute.String("changed", "later")
	_, _ = tracing.Server(echo, "Get", r.option(), opt)(t.Context(), "")
	same(t, "attributes", attributes(r.only(t).Attributes), with("Get", map[attribute.Key]any{
		"team": "shop", "rpc.system.name": "grpc", "rpc.response.status_code": "OK",
	}))
}
