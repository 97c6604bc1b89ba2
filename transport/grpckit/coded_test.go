package grpckit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func ExampleCoded() {
	find := grpckit.Coded(func(_ context.Context, name string) (string, error) {
		return "", status.Errorf(codes.NotFound, "there is no %s", name)
	})
	_, err := find(context.Background(), "Ada")
	fmt.Println(endpoint.CodeOf(err), endpoint.Fault(context.Background(), err))
	// Output: not_found false
}

// What is coded means more on this side, and the same on the other.
func TestCodedChangesNothingOnTheWire(t *testing.T) {
	violation := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "n"}}}
	ours := &endpoint.Error{Code: endpoint.Aborted, Message: "not now", Err: status.Error(codes.DataLoss, "lost")}
	for name, tt := range map[string]struct {
		err  error
		code endpoint.Code
	}{
		"none":             {nil, endpoint.OK},
		"plain":            {errors.New("plain"), endpoint.Unknown},
		"the context's":    {context.Canceled, endpoint.Canceled},
		"a status":         {status.Error(codes.NotFound, "no such thing"), endpoint.NotFound},
		"without a text":   {status.Error(codes.NotFound, ""), endpoint.NotFound},
		"chosen unknown":   {status.Error(codes.Unknown, "who knows"), endpoint.Unknown},
		"no code":          {status.Error(77, "odd"), endpoint.Unknown},
		"wrapped":          {fmt.Errorf("wrapped: %w", status.Error(codes.OutOfRange, "far")), endpoint.OutOfRange},
		"with details":     {withDetail(codes.InvalidArgument, "n", violation), endpoint.InvalidArgument},
		"in one of ours":   {ours, endpoint.Aborted},
		"another server's": {&endpoint.Error{Outgoing: true, Err: status.Error(codes.DataLoss, "lost")}, endpoint.Unknown},
		"one of OK":        {okError{}, endpoint.Unknown},
	} {
		coded := grpckit.Coded(func(_ context.Context, n int) (int, error) { return n, tt.err })
		n, err := coded(t.Context(), 7)
		if n != 7 || endpoint.CodeOf(err) != tt.code || !errors.Is(err, tt.err) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if got, want := grpckit.Status(err), grpckit.Status(tt.err); !proto.Equal(got.Proto(), want.Proto()) {
			t.Errorf("%s: %v goes out, and %v uncoded", name, got, want)
		}
	}
	defer func() {
		if text := fmt.Sprint(recover()); text != "grpckit: Coded: next is nil" {
			t.Errorf("Coded of nil: %s", text)
		}
	}()
	grpckit.Coded[int, int](nil)
}

func TestTheLogOfAStreamHasTheCodeOfItsStatus(t *testing.T) {
	var p page
	addr := serve(t, grpckit.NewServer(grpckit.LogStreams(p.logger())), &echo{
		list: func(*echopb.Message, grpc.ServerStreamingServer[echopb.Message]) error {
			return status.Error(codes.FailedPrecondition, "not yet")
		},
	})
	s, err := echopb.NewEchoClient(dial(t, addr)).List(within(t), &echopb.Message{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.FailedPrecondition {
		t.Errorf("the caller is told %v", err)
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(p.String(), "not yet") })
	if !strings.Contains(p.String(), "failed_precondition") {
		t.Errorf("the log has no code:\n%s", &p)
	}
}

// A conversion may fail with a status as with any error that has a code.
func TestAConversionThatFailsWithAStatus(t *testing.T) {
	far := status.Error(codes.OutOfRange, "far")
	fails := func(int) (int, error) { return 0, far }
	same := func(n int) (int, error) { return n, nil }
	next := func(_ context.Context, n int) (int, error) { return n, nil }
	for name, e := range map[string]endpoint.Endpoint[int, int]{
		"request": grpckit.Convert(next, fails, same), "response": grpckit.Convert(next, same, fails),
	} {
		_, err := e(t.Context(), 1)
		if endpoint.CodeOf(err) != endpoint.OutOfRange || !errors.Is(err, far) {
			t.Errorf("of the %s the error is %v", name, err)
		}
	}
}
