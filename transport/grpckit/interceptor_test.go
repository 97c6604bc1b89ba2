package grpckit_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// The interceptors give a server and a connection of grpc-go's own the same.
func TestInterceptorsStandAlone(t *testing.T) {
	server := grpc.NewServer(
		grpc.UnaryInterceptor(grpckit.UnaryServerInterceptor(grpckit.Allow("x-tenant"))),
		grpc.StreamInterceptor(grpckit.StreamServerInterceptor(grpckit.Allow("x-tenant"))))
	sent := &endpoint.Error{Code: endpoint.Aborted, Message: "text", Reason: "R", NotProcessed: true}
	addr := serve(t, server, &echo{
		say: func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
			return &echopb.Message{Text: call.From(ctx).Value("x-tenant")}, sent
		},
		chat: func(s grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error {
			_ = s.Send(&echopb.Message{Text: call.From(s.Context()).Value("x-tenant")})
			return sent
		},
	})
	conn := dialPlain(t, addr, grpc.WithUnaryInterceptor(grpckit.UnaryClientInterceptor()),
		grpc.WithStreamInterceptor(grpckit.StreamClientInterceptor()))
	client := echopb.NewEchoClient(conn)
	ctx := call.With(within(t), call.Value("x-tenant", "acme"))
	_, err := client.Say(ctx, &echopb.Message{})
	if !errors.Is(err, sent) || !endpoint.IsNotProcessed(err) {
		t.Errorf("the error is %v", err)
	}
	s, err := client.Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Recv(); err != nil || m.GetText() != "acme" {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := s.Recv(); !errors.Is(err, sent) {
		t.Errorf("the error of the stream is %v", err)
	}
	// Without a picker of ours nobody knows whether a call was sent.
	gone := dialPlain(t, "127.0.0.1:1", grpc.WithUnaryInterceptor(grpckit.UnaryClientInterceptor()))
	if _, err := echopb.NewEchoClient(gone).Say(ctx, &echopb.Message{}); endpoint.CodeOf(err) != endpoint.Unavailable || endpoint.IsNotProcessed(err) {
		t.Errorf("the error is %v", err)
	}
}

// Interceptors of the user's see the call, inside of the toolkit's own.
func TestUsersInterceptorsAreInside(t *testing.T) {
	var server, client string
	s := grpckit.NewServer(grpckit.ServerOptions(grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			server = call.From(ctx).RequestID()
			_, _ = next(ctx, req)
			return nil, &endpoint.Error{Code: endpoint.ResourceExhausted, NotProcessed: true}
		})))
	conn := dial(t, serve(t, s, &echo{say: repeat}), grpckit.DialOptions(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			md, _ := metadata.FromOutgoingContext(ctx)
			client = md.Get("x-request-id")[0]
			if err := next(ctx, method, req, reply, cc, opts...); err != nil {
				return &endpoint.Error{Code: endpoint.Aborted, Err: err}
			}
			return nil
		})))
	_, err := echopb.NewEchoClient(conn).Say(call.With(within(t), call.RequestID("id")), &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.Aborted || server != "id" || client != "id" {
		t.Errorf("the server's saw %q, the client's %q, the error is %v", server, client, err)
	}
	if e, _ := errors.AsType[*endpoint.Error](err); !e.Outgoing || e.NotProcessed {
		t.Errorf("the error is %+v", e)
	}
}

// The same of streams: the error of one's own interceptor keeps its code and its
// cause, and its panic ends the call alone.
func TestUsersStreamInterceptorsAreInside(t *testing.T) {
	var id string
	var panics bool
	s := grpckit.NewServer(grpckit.Logger(new(page).logger()), grpckit.ServerOptions(grpc.ChainStreamInterceptor(
		func(_ any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
			id = call.From(stream.Context()).RequestID()
			if panics {
				panic("in an interceptor")
			}
			return &endpoint.Error{Code: endpoint.Unauthenticated, Message: "who?", Err: errors.New("secret")}
		})))
	client := echopb.NewEchoClient(dial(t, serve(t, s, &echo{say: repeat})))
	for code, p := range map[endpoint.Code]bool{endpoint.Unauthenticated: false, endpoint.Internal: true} {
		panics = p
		stream, err := client.Chat(call.With(within(t), call.RequestID("id")))
		if err == nil {
			_, err = stream.Recv()
		}
		if endpoint.CodeOf(err) != code || id != "id" || strings.Contains(err.Error(), "secret") {
			t.Errorf("the interceptor saw %q, the error is %v", id, err)
		}
	}
}

// A stream that ends before the request is written has broken off, and may be tried
// again by who knows that this does no harm.
func TestAStreamThatEndsBeforeTheRequest(t *testing.T) {
	conn := dial(t, "127.0.0.1:1")
	ended := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return io.EOF }
	err := grpckit.UnaryClientInterceptor()(t.Context(), "/echo", nil, nil, conn, ended)
	if endpoint.CodeOf(err) != endpoint.Unavailable || endpoint.IsNotProcessed(err) || !errors.Is(err, io.EOF) {
		t.Errorf("the error is %v", err)
	}
}
