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

// codesOf calls a service whose code of an error is in the request, by a call and by a
// stream.
func codesOf(t *testing.T, conn *grpc.ClientConn, check func(t *testing.T, code endpoint.Code, err error)) {
	client := echopb.NewEchoClient(conn)
	for code := endpoint.Canceled; code <= endpoint.Unauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			_, err := client.Say(within(t), &echopb.Message{N: int64(code)})
			check(t, code, err)
			s, err := client.List(within(t), &echopb.Message{N: int64(code)})
			if err == nil {
				err = drain(s)
			}
			check(t, code, err)
		})
	}
}

// answering fails every call and stream by what makes an error of the code asked for.
func answering(failure func(endpoint.Code) error) *echo {
	return &echo{
		say: func(_ context.Context, m *echopb.Message) (*echopb.Message, error) {
			return nil, failure(endpoint.Code(m.GetN()))
		},
		list: func(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
			_ = s.Send(m) // so that the error comes after headers
			return failure(endpoint.Code(m.GetN()))
		},
	}
}

// grpc-go's own client, without anything of ours, understands every error of our server.
func TestPlainClientsUnderstandEveryCode(t *testing.T) {
	addr := serve(t, grpckit.NewServer(), answering(func(c endpoint.Code) error {
		return &endpoint.Error{
			Code: c, Message: "no " + c.String(), Reason: "GONE", RetryAfter: time.Second, NotProcessed: true, Err: errors.New("secret"),
		}
	}))
	codesOf(t, dialPlain(t, addr), func(t *testing.T, code endpoint.Code, err error) {
		t.Helper()
		st := status.Convert(err)
		if st.Code() != codes.Code(code) || st.Message() != "no "+code.String() {
			t.Errorf("the status is %v", st)
		}
		var reason, mark string
		var delay time.Duration
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				reason, mark = d.GetReason(), d.GetMetadata()["not_processed"]
			case *errdetails.RetryInfo:
				delay = d.GetRetryDelay().AsDuration()
			}
		}
		if reason != "GONE" || mark != "true" || delay != time.Second || strings.Contains(st.String(), "secret") {
			t.Errorf("the details are %v", st.Details())
		}
	})
}

// And our client every error of a server of grpc-go's own, whose text goes to the log.
func TestEveryCodeOfPlainServersIsUnderstood(t *testing.T) {
	addr := serve(t, grpc.NewServer(), answering(func(c endpoint.Code) error {
		return withDetail(codes.Code(c), "in table users", &errdetails.ErrorInfo{Domain: "example.com", Reason: "GONE"})
	}))
	codesOf(t, dial(t, addr), func(t *testing.T, code endpoint.Code, err error) {
		t.Helper()
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok {
			t.Fatalf("the error is %#v", err)
		}
		want := endpoint.Error{Code: code, Reason: "GONE", Outgoing: true, Instance: addr, Err: e.Err}
		if *e != want {
			t.Errorf("the error is %+v, want %+v", *e, want)
		}
		if text := code.String() + " [GONE] (instance " + addr + "): in table users"; err.Error() != text {
			t.Errorf("the log reads %q, want %q", err, text)
		}
		if public := endpoint.Public(err); public.Code != code || public.Message == "in table users" {
			t.Errorf("our own callers are told %+v", public)
		}
		if st := status.Convert(err); st.Code() != codes.Code(code) || st.Message() != err.Error() && st.Message() != "in table users" {
			t.Errorf("grpc-go takes it for %v", st)
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
