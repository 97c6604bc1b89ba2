package grpckit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	rpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// page is a log that several goroutines may write.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func (p *page) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p, nil)) }

func TestAPanicIsAnInternalErrorAndLogged(t *testing.T) {
	var p page
	addr := serve(t, grpckit.NewServer(grpckit.Logger(p.logger())), &echo{
		say:  func(context.Context, *echopb.Message) (*echopb.Message, error) { panic("the secret") },
		chat: func(grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error { panic("the secret") },
	})
	client := echopb.NewEchoClient(dial(t, addr))
	ctx := call.With(within(t), call.RequestID("request-1"))
	_, unary := client.Say(ctx, &echopb.Message{})
	s, stream := client.Chat(ctx)
	if stream == nil {
		stream = drain(s)
	}
	for what, err := range map[string]error{"Say": unary, "Chat": stream} {
		if endpoint.CodeOf(err) != endpoint.Internal || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error is %v", what, err)
		}
		for _, want := range []string{"Echo/" + what, "request-1", "the secret", "server_test.go"} {
			if !strings.Contains(p.String(), want) {
				t.Errorf("%s: the log has no %q:\n%s", what, want, &p)
			}
		}
	}
}

// asked is an error that looks into itself when it is asked what it is.
type asked struct{ cause error }

func (a *asked) Error() string { return "asked" }
func (a *asked) Unwrap() error { return a.cause }

// A nil pointer in an error panics when it is looked at, which is after the handler, and
// where nobody but us would recover.
func TestAnErrorThatPanicsIsAnInternalErrorAndLogged(t *testing.T) {
	for name, fault := range map[string]error{"the toolkit's": (*endpoint.Error)(nil), "the user's": (*asked)(nil)} {
		var p page
		addr := serve(t, grpckit.NewServer(grpckit.Logger(p.logger())), &echo{
			say:  failing(fault).say,
			chat: func(grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error { panic(fault) },
			list: func(*echopb.Message, grpc.ServerStreamingServer[echopb.Message]) error { return fault },
		})
		client := echopb.NewEchoClient(dial(t, addr))
		_, say := client.Say(within(t), &echopb.Message{})
		chat, _ := client.Chat(within(t))
		list, _ := client.List(within(t), &echopb.Message{})
		for what, err := range map[string]error{"Say": say, "Chat": drain(chat), "List": drain(list)} {
			if endpoint.CodeOf(err) != endpoint.Internal || !strings.Contains(p.String(), "Echo/"+what) {
				t.Errorf("%s, %s: %v, and the log is\n%s", name, what, err, &p)
			}
		}
	}
}

func TestTimeoutBoundsCalls(t *testing.T) {
	wait := func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, conn := range map[string]*grpc.ClientConn{
		"the server's": dial(t, serve(t, grpckit.NewServer(grpckit.Timeout(20*time.Millisecond)), &echo{say: wait})),
		"the client's": dial(t, serve(t, grpc.NewServer(), &echo{say: wait}), grpckit.ClientTimeout(20*time.Millisecond)),
	} {
		_, err := echopb.NewEchoClient(conn).Say(within(t), &echopb.Message{})
		if endpoint.CodeOf(err) != endpoint.DeadlineExceeded {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestACallThatIsOverIsNotBegun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), &echo{})))
	_, unary := client.Say(ctx, &echopb.Message{})
	_, stream := client.Chat(ctx)
	for _, err := range []error{unary, stream} {
		if endpoint.CodeOf(err) != endpoint.Canceled || !endpoint.IsNotProcessed(err) || !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestHeadersAndTrailersGoWithErrors(t *testing.T) {
	say := func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
		_ = grpc.SetHeader(ctx, metadata.Pairs("head", "h"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("trail", "t"))
		if m.GetN() > 0 {
			return nil, &endpoint.Error{Code: endpoint.NotFound}
		}
		return m, nil
	}
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), &echo{say: say})))
	for n := range int64(2) {
		var head, trail metadata.MD
		_, err := client.Say(within(t), &echopb.Message{N: n}, grpc.Header(&head), grpc.Trailer(&trail))
		if (err != nil) != (n > 0) || len(head.Get("head")) != 1 || len(trail.Get("trail")) != 1 {
			t.Errorf("header %v, trailer %v, error %v", head, trail, err)
		}
	}
}

// grpc-go's workers are an option of the server's, which may be taken back.
func TestAServerMayDoWithoutWorkers(t *testing.T) {
	for opts, want := range map[*[]grpckit.ServerOption]bool{
		{}: true, {grpckit.ServerOptions(grpc.NumStreamWorkers(0))}: false,
	} {
		var stack string
		addr := serve(t, grpckit.NewServer(*opts...), &echo{say: func(_ context.Context, m *echopb.Message) (*echopb.Message, error) {
			stack = string(debug.Stack())
			return m, nil
		}})
		if _, err := echopb.NewEchoClient(dial(t, addr)).Say(within(t), &echopb.Message{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(stack, ".serverWorker("); got != want {
			t.Errorf("the call ran on a worker: %v, want %v", got, want)
		}
	}
}

func TestAServerThatWasStoppedServesNoMore(t *testing.T) {
	s := grpckit.NewServer()
	s.Stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
}

// A client that watches the health would hold a graceful stop for ever.
func TestAGracefulStopEndsWatchers(t *testing.T) {
	s := grpckit.NewServer()
	conn := dial(t, serve(t, s, &echo{}))
	watch, err := healthpb.NewHealthClient(conn).Watch(within(t), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	s.GracefulStop()
}

func TestReflectionIsByChoice(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		s := grpckit.NewServer()
		if wanted {
			reflection.Register(s)
		}
		client := rpb.NewServerReflectionClient(dial(t, serve(t, s, &echo{})))
		stream, err := client.ServerReflectionInfo(within(t))
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&rpb.ServerReflectionRequest{MessageRequest: &rpb.ServerReflectionRequest_ListServices{}})
		resp, err := stream.Recv()
		if !wanted {
			if endpoint.CodeOf(err) != endpoint.Unimplemented {
				t.Errorf("without it the error is %v", err)
			}
			continue
		}
		if err != nil || !strings.Contains(resp.String(), "dowel.grpckit.test.Echo") {
			t.Errorf("with it: %v, %v", resp, err)
		}
	}
}
