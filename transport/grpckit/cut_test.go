package grpckit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	_ "google.golang.org/grpc/encoding/proto"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// late is a codec that something happens before, when the call has its stream.
type late struct {
	encoding.CodecV2
	before func()
}

func (l late) Marshal(v any) (mem.BufferSlice, error) {
	l.before()
	return l.CodecV2.Marshal(v)
}

// A stream that ends before all is written is none that was served, for the strategy as
// for the caller: grpc-go tells balancers of no error.
func TestACallThatBreaksOffWhileItIsSent(t *testing.T) {
	busy := error(&endpoint.Error{Code: endpoint.Unavailable, Message: "busy"})
	for _, tt := range []struct {
		name string
		fail *error
		call func(ctx context.Context, client echopb.EchoClient, lose func()) error
		want lb.Result
	}{
		{"a unary call", nil, func(ctx context.Context, client echopb.EchoClient, lose func()) error {
			_, err := client.Say(ctx, &echopb.Message{}, grpc.ForceCodecV2(late{encoding.GetCodecV2("proto"), lose}))
			return err
		}, lb.Faulted},
		{"a request that is a stream", nil, func(ctx context.Context, client echopb.EchoClient, lose func()) error {
			s, err := client.Gather(ctx)
			if err != nil {
				return err
			}
			lose()
			return sent(s)
		}, lb.Faulted},
		{"one whose answer has begun", nil, func(ctx context.Context, client echopb.EchoClient, lose func()) error {
			s, err := client.Gather(metadata.AppendToOutgoingContext(ctx, "header", "early"))
			if err != nil {
				return err
			}
			lose()
			return sent(s)
		}, lb.Refused}, // which tells nothing: nobody knows what became of it
		{"one that is refused", &busy, func(ctx context.Context, client echopb.EchoClient, lose func()) error {
			s, err := client.Gather(ctx)
			if err != nil {
				return err
			}
			synctest.Wait()
			return sent(s)
		}, lb.Faulted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, wire := newWiredFleet(t, 1)
				f.members[0].fail.Store(tt.fail)
				s := &told{observes: true}
				conn := f.client(s, wire.option())
				defer conn.Close()
				err := tt.call(within(t), echopb.NewEchoClient(conn), func() {
					synctest.Wait() // until the server knows of it
					wire.lose(f.members[0].Addr, "")
					synctest.Wait()
				})
				if endpoint.CodeOf(err) != endpoint.Unavailable || errors.Is(err, busy) != (tt.fail != nil) {
					t.Errorf("the error is %v", err)
				}
				if len(s.results) != 1 || s.results[0] != tt.want {
					t.Errorf("the strategy is told %v, want %v", s.results, tt.want)
				}
			})
		})
	}
}

// sent sends a message on a stream that has ended, and returns the error of that.
func sent(s grpc.ClientStreamingClient[echopb.Message, echopb.Message]) error {
	if err := s.Send(&echopb.Message{}); err != io.EOF {
		return fmt.Errorf("sending: %w", err)
	}
	_, err := s.CloseAndRecv()
	return err
}

// begun does something when an attempt has its stream.
type begun struct {
	attempts atomic.Int64
	then     func(attempt int64)
}

func (b *begun) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); ok {
		b.then(b.attempts.Add(1))
	}
}
func (*begun) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*begun) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*begun) HandleConn(context.Context, stats.ConnStats)                       {}

// An answer that is a stream has not ended well if gRPC tries the call again and the
// stream of that is gone before the request is written: it would look like an empty one.
func TestACallThatBreaksOffWhileItIsSentAgain(t *testing.T) {
	for name, retried := range map[string]string{
		"for good": `"RESOURCE_EXHAUSTED"`, "after all attempts": `"RESOURCE_EXHAUSTED", "UNAVAILABLE"`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, wire := newWiredFleet(t, 1)
				first := error(&endpoint.Error{Code: endpoint.ResourceExhausted})
				f.members[0].fail.Store(&first)
				handler := &begun{then: func(attempt int64) {
					if attempt == 2 {
						synctest.Wait()
						wire.lose(f.members[0].Addr, "")
						synctest.Wait()
					}
				}}
				conn := f.client(lb.RoundRobin(), wire.option(), grpckit.DialOptions(grpc.WithStatsHandler(handler)),
					grpckit.ServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 2, "initialBackoff": "0.01s",
						"maxBackoff": "1s", "backoffMultiplier": 1, "retryableStatusCodes": [`+retried+`]}}]}`))
				defer conn.Close()
				list, err := echopb.NewEchoClient(conn).List(within(t), &echopb.Message{N: 3})
				if err == nil {
					_, err = list.Recv()
				}
				if endpoint.CodeOf(err) != endpoint.Unavailable || endpoint.IsNotProcessed(err) {
					t.Errorf("after %d attempts the error is %v", handler.attempts.Load(), err)
				}
			})
		})
	}
}

// If there is one more attempt, and that goes well, so does the call.
func TestACallThatBreaksOffOnceAndIsServedEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wire := newWiredFleet(t, 1)
		first := error(&endpoint.Error{Code: endpoint.ResourceExhausted})
		f.members[0].fail.Store(&first)
		handler := &begun{then: func(attempt int64) {
			if attempt == 2 {
				synctest.Wait()
				f.members[0].fail.Store(nil)
				wire.lose(f.members[0].Addr, "")
				synctest.Wait()
			}
		}}
		conn := f.client(lb.RoundRobin(), wire.option(), grpckit.DialOptions(grpc.WithStatsHandler(handler)),
			grpckit.ServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s",
				"maxBackoff": "1s", "backoffMultiplier": 1, "retryableStatusCodes": ["RESOURCE_EXHAUSTED", "UNAVAILABLE"]}}]}`))
		defer conn.Close()
		list, err := echopb.NewEchoClient(conn).List(within(t), &echopb.Message{N: 3})
		for err == nil {
			_, err = list.Recv()
		}
		if err != io.EOF || handler.attempts.Load() != 3 {
			t.Errorf("after %d attempts: %v", handler.attempts.Load(), err)
		}
	})
}

// If a status ended it, that is what the caller is told.
func TestACallThatAStatusEndsWhileItIsSent(t *testing.T) {
	r := newRig(t, lb.RoundRobin(), "a")
	conn := dial(t, "127.0.0.1:1")
	ends := r.tries(t, balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: detailed(t, codes.NotFound)})
	cut := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
		ends(ctx)
		return io.EOF
	}
	for text, opts := range map[string][]grpckit.ClientOption{"a text": nil, "": {grpckit.Foreign()}} {
		err := grpckit.UnaryClientInterceptor(opts...)(t.Context(), "/s/m", nil, nil, conn, cut)
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok || e.Code != endpoint.NotFound || e.Message != text || !e.Outgoing || e.Instance != "a" {
			t.Errorf("the error is %+v", e)
		}
	}
}
