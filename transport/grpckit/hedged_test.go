package grpckit_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// Attempts that an interceptor of the user's makes side by side are told apart by a
// record of each, and the error of the call names the instance that it is of.
func TestAttemptsOfAnInterceptorAreToldApart(t *testing.T) {
	var twice bool
	hedge := func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if !twice {
			return next(ctx, method, req, reply, conn, opts...)
		}
		var errs [2]error
		var records [2]*call.Record
		var wg sync.WaitGroup
		for i := range errs {
			attempt, record := call.Observe(ctx)
			records[i] = record
			wg.Go(func() { errs[i] = next(attempt, method, req, new(echopb.Message), conn, opts...) })
		}
		wg.Wait()
		id, addr := records[0].Instance(), records[0].Address()
		call.From(ctx).Answered(&id, &addr)
		return &endpoint.Error{Message: status.Convert(errs[0]).Message(), Instance: id, Err: errs[0]}
	}
	f := newFleet(t, 2)
	conn := f.client(lb.RoundRobin(), grpckit.DialOptions(grpc.WithChainUnaryInterceptor(hedge)))
	f.answers(conn, f.members...)
	for _, m := range f.members {
		var err error = &endpoint.Error{Code: endpoint.NotFound, Message: m.Addr}
		m.fail.Store(&err)
	}
	twice = true
	for range 20 {
		ctx, record := call.Observe(within(t))
		_, err := echopb.NewEchoClient(conn).Say(ctx, &echopb.Message{})
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok || e.Message == "" || e.Instance != e.Message || record.Instance() != e.Message || record.Attempts() != 2 {
			t.Errorf("the error of %q names %q, and the record of %d attempts %q", e.Message, e.Instance, record.Attempts(), record.Instance())
		}
	}
}
