package grpckit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func TestEveryCodeSurvivesTheWire(t *testing.T) {
	for code := endpoint.Canceled; code <= endpoint.Unauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			sent := &endpoint.Error{
				Code: code, Message: "grüß dich", Reason: "A_REASON", RetryAfter: 1500 * time.Millisecond,
				NotProcessed: true, Err: errors.New("a secret"),
			}
			addr := serve(t, grpckit.NewServer(), failing(fmt.Errorf("wrapped: %w", sent)))
			say := grpckit.NewEndpoint(echopb.NewEchoClient(dial(t, addr)).Say)
			_, err := say(within(t), &echopb.Message{})
			got, ok := errors.AsType[*endpoint.Error](err)
			if !ok {
				t.Fatalf("the error is %T: %v", err, err)
			}
			want := endpoint.Error{
				Code: code, Message: sent.Message, Reason: sent.Reason, RetryAfter: sent.RetryAfter, NotProcessed: true,
				Outgoing: true, Instance: addr, Err: got.Err,
			}
			if *got != want {
				t.Errorf("the error is\n%+v, want\n%+v", *got, want)
			}
			if !errors.Is(err, sent) {
				t.Error("errors.Is does not find it")
			}
			if status.Code(err) != codes.Code(code) {
				t.Errorf("grpc-go takes it for %v", status.Code(err))
			}
		})
	}
}

func TestPlainServersAndClientsUnderstand(t *testing.T) {
	t.Run("our server, a plain client", func(t *testing.T) {
		sent := &endpoint.Error{Code: endpoint.NotFound, Message: "no such thing", Reason: "GONE", RetryAfter: time.Second}
		client := echopb.NewEchoClient(dialPlain(t, serve(t, grpckit.NewServer(), failing(sent))))
		_, err := client.Say(within(t), &echopb.Message{})
		st := status.Convert(err)
		if st.Code() != codes.NotFound || st.Message() != "no such thing" {
			t.Errorf("the status is %v", st)
		}
		var reason string
		var delay time.Duration
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				reason = d.GetReason()
			case *errdetails.RetryInfo:
				delay = d.GetRetryDelay().AsDuration()
			}
		}
		if reason != "GONE" || delay != time.Second {
			t.Errorf("the details are %v", st.Details())
		}
	})
	t.Run("a plain server, our client", func(t *testing.T) {
		client := echopb.NewEchoClient(dial(t, serve(t, grpc.NewServer(), failing(status.Error(codes.NotFound, "in table users")))))
		_, err := client.Say(within(t), &echopb.Message{})
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok || e.Code != endpoint.NotFound || e.NotProcessed || !e.Outgoing {
			t.Fatalf("the error is %#v", err)
		}
		if e.Message != "" || endpoint.Public(err).Message != "not found" {
			t.Errorf("a stranger's text goes on: %q", e.Message)
		}
		if want := "not_found (instance " + e.Instance + "): in table users"; err.Error() != want {
			t.Errorf("the log reads %q, want %q", err, want)
		}
	})
}

func TestInternalTextStaysInternal(t *testing.T) {
	for name, err := range map[string]error{
		"no code":       errors.New("the password is hunter2"),
		"a cause":       &endpoint.Error{Code: endpoint.Internal, Err: errors.New("hunter2")},
		"a wrapper":     fmt.Errorf("hunter2: %w", &endpoint.Error{Code: endpoint.Aborted}),
		"a wrap status": fmt.Errorf("hunter2: %w", status.Error(codes.Aborted, "fine")),
		"of another": &endpoint.Error{
			Code: endpoint.Aborted, Outgoing: true, Err: status.Error(codes.Aborted, "hunter2"),
		},
		"deep of another": &endpoint.Error{Code: endpoint.Aborted, Err: &endpoint.Error{
			Outgoing: true, Err: withDetail(codes.Aborted, "hunter2", &errdetails.DebugInfo{Detail: "hunter2"}),
		}},
		"context": fmt.Errorf("hunter2: %w", context.DeadlineExceeded),
	} {
		st := grpckit.Status(err)
		if text := fmt.Sprint(st.Proto()); containsFold(text, "hunter2") {
			t.Errorf("%s: %s", name, text)
		}
		if name == "no code" && st.Code() != codes.Internal {
			t.Errorf("%s: the code is %v", name, st.Code())
		}
	}
}

func TestDetailsOfTheAuthorAreKept(t *testing.T) {
	violation := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "n"}}}
	st := withDetail(codes.InvalidArgument, "the request is not valid", violation)
	for name, sent := range map[string]error{
		"a status":         st,
		"in one of ours":   &endpoint.Error{Code: endpoint.InvalidArgument, Reason: "R", Err: st},
		"wrapped a status": fmt.Errorf("wrapped: %w", st),
	} {
		client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), failing(sent))))
		_, err := client.Say(within(t), &echopb.Message{})
		if endpoint.CodeOf(err) != endpoint.InvalidArgument {
			t.Errorf("%s: the error is %v", name, err)
		}
		if e, _ := errors.AsType[*endpoint.Error](err); e == nil || e.Message != "the request is not valid" {
			t.Errorf("%s: the message is lost: %v", name, err)
		}
		found := false
		for _, d := range status.Convert(err).Details() {
			b, ok := d.(*errdetails.BadRequest)
			found = found || ok && b.GetFieldViolations()[0].GetField() == "n"
		}
		if !found {
			t.Errorf("%s: the details are %v", name, status.Convert(err).Details())
		}
	}
}

// Whoever wants our domain in his status can write it there. Of one that is somebody
// else's nothing is believed for it, and what he says goes to our logs and no further.
func TestForeignServersAreNotBelieved(t *testing.T) {
	claim := &endpoint.Error{
		Code: endpoint.Unavailable, Message: "buy now", Reason: "SALE", RetryAfter: time.Second, NotProcessed: true,
	}
	addr := serve(t, grpckit.NewServer(), failing(claim))
	for name, tt := range map[string]struct {
		opts []grpckit.ClientOption
		want endpoint.Error
	}{
		"ours": {nil, *claim},
		"foreign": {[]grpckit.ClientOption{grpckit.Foreign()}, endpoint.Error{
			Code: endpoint.Unavailable, Message: "the service is not available", RetryAfter: time.Second,
		}},
	} {
		client := echopb.NewEchoClient(dial(t, addr, tt.opts...))
		_, err := client.Say(within(t), &echopb.Message{})
		if got := endpoint.IsNotProcessed(err); got != tt.want.NotProcessed {
			t.Errorf("%s: the mark is %v", name, got)
		}
		tt.want.NotProcessed = false // does not go on
		if got := *endpoint.Public(err); got != tt.want {
			t.Errorf("%s: our own callers are told %+v", name, got)
		}
		if !strings.Contains(err.Error(), "buy now") || !strings.Contains(err.Error(), "SALE") {
			t.Errorf("%s: the log reads %v", name, err)
		}
		if st := status.Convert(err); len(st.Details()) != 2 {
			t.Errorf("%s: the details are %v", name, st.Details())
		}
	}
}
