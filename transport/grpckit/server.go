package grpckit

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/dowelkit/dowel/transport"
)

var _ transport.Server = (*Server)(nil)

// Server is a *grpc.Server that [transport.Serve] can run and stop. Services are
// registered with it as with any other; reflection too, for those who want it, by
// reflection.Register. It is made by [NewServer].
//
// The context of a call or a stream has what its metadata says of it (see
// [call.Propagator.Extract]), the caller's address and its deadline. An error goes out
// by [Status]; header and trailer that the handler set go with it. A panic is an
// error of code Internal and is logged with its stack. Errors are not logged here: the
// cause of one without a code is lost unless the endpoint is wrapped in log.Calls.
//
// It serves grpc.health.v1, overall and for each service: SERVING until Shutdown, or
// as [Readiness] says.
//
// It has a goroutine for each processor from the beginning, for calls to run on one after
// the other, so that Shutdown or Close must be called even if it never serves. A call that
// finds none of them idle has one of its own. They are grpc-go's
// [grpc.NumStreamWorkers], which it calls experimental:
//
//	grpckit.NewServer(grpckit.ServerOptions(grpc.NumStreamWorkers(0)))
//
// does without, and each call costs about a tenth more.
type Server struct {
	*grpc.Server
	inbound *inbound
	health  *health
}

// NewServer returns a server with the bounds set that grpc-go leaves open. It panics
// if an option is nil or out of range.
//
//	messages received   4 MiB     see [MaxReceive]
//	metadata            64 KiB    of one call
//	streams             1000      at a time on one connection; more wait at the client
//	handshake           10 s      to become a connection
//	idle connections    closed after 15 minutes, in peace
//	silent peers        asked after 30 s whether they live, given up 20 s later
//	pings of clients    every 10 s at most, also without calls
func NewServer(opts ...ServerOption) *Server {
	in := newInbound("NewServer", opts)
	s := &Server{inbound: in, health: newHealth(in.readiness)}
	creds := in.creds
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	s.Server = grpc.NewServer(append([]grpc.ServerOption{
		grpc.Creds(creds),
		grpc.MaxRecvMsgSize(in.maxReceive),
		grpc.MaxHeaderListSize(64 << 10),
		grpc.MaxConcurrentStreams(1000),
		// Goroutines that are used again have a stack that is large enough, which one
		// of its own would grow in each call.
		grpc.NumStreamWorkers(uint32(runtime.GOMAXPROCS(0))),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 15 * time.Minute, Time: 30 * time.Second, Timeout: 20 * time.Second,
		}),
		// The only one that is outside of what is chained. A second is refused by grpc-go.
		grpc.StreamInterceptor(func(
			srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
		) error {
			return in.stream(srv, stream, info.FullMethod, handler)
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 10 * time.Second, PermitWithoutStream: true,
		}),
	}, in.grpc...)...)
	s.health.services = s.Server.GetServiceInfo
	grpc_health_v1.RegisterHealthServer(s.Server, s.health)
	return s
}

// RegisterService is for generated code; see [grpc.Server.RegisterService]. It puts
// the toolkit's own round each unary method, where an interceptor would be: so it is
// outside of all interceptors, and costs two allocations less.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = slices.Clone(desc.Methods)
	for i, m := range own.Methods {
		own.Methods[i].Handler = s.method("/"+desc.ServiceName+"/"+m.MethodName, m.Handler)
	}
	s.Server.RegisterService(&own, impl)
}

// methodHandler is the type of [grpc.MethodDesc].Handler.
type methodHandler = func(
	srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor,
) (any, error)

func (s *Server) method(name string, handle methodHandler) methodHandler {
	return func(
		srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor,
	) (any, error) {
		return s.inbound.unary(ctx, name, func(ctx context.Context) (any, error) {
			return handle(srv, ctx, decode, interceptor)
		})
	}
}

// Serve is for [transport.Serve]; see [grpc.Server.Serve]. Of a server that was
// stopped before it returns [net.ErrClosed], as a closed listener's.
func (s *Server) Serve(l net.Listener) error {
	err := s.Server.Serve(l)
	if errors.Is(err, grpc.ErrServerStopped) {
		return net.ErrClosed
	}
	return err
}

// GracefulStop is Shutdown without a bound.
func (s *Server) GracefulStop() {
	s.health.stop() // a Watch would hold it for ever
	s.Server.GracefulStop()
}

// Stop is Close.
func (s *Server) Stop() { _ = s.Close() }

// Shutdown makes the health service say NOT_SERVING, tells clients to call elsewhere
// (GOAWAY), and returns once no call and no stream is in flight, or with the context's error. Close
// ends what is left then.
func (s *Server) Shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() { defer close(done); s.GracefulStop() }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends every connection at once, and with it Serve and a Shutdown that waits. It
// never fails.
func (s *Server) Close() error {
	s.health.stop()
	s.Server.Stop()
	return nil
}
