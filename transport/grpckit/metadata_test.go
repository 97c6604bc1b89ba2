package grpckit_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// seen is what a handler saw of a call.
type seen struct {
	call     *call.Call
	metadata metadata.MD
	deadline time.Time
}

// looking answers and keeps what it saw, for unary calls and streams.
func looking(at *seen) *echo {
	look := func(ctx context.Context) {
		at.call = call.From(ctx)
		at.metadata, _ = metadata.FromIncomingContext(ctx)
		at.deadline, _ = ctx.Deadline()
	}
	return &echo{
		say: func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) { look(ctx); return m, nil },
		chat: func(s grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error {
			look(s.Context())
			return repeatAll(s)
		},
	}
}

func TestWhatTravelsWithACall(t *testing.T) {
	var at seen
	addr := serve(t, grpckit.NewServer(grpckit.Allow("X-Tenant")), looking(&at))
	client := echopb.NewEchoClient(dial(t, addr))
	ctx := call.With(within(t),
		call.RequestID("request"), call.CorrelationID("correlation"), call.Priority(call.Sheddable),
		call.Value("X-Tenant", "acme"), call.Value("X-Other", "secret"), call.Value(call.TraceparentKey, "00-trace"),
		call.Attempt(3, nil), call.Key("key"), call.Caller("me"))
	ctx = metadata.AppendToOutgoingContext(ctx, "own", "one", "own", "two")
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		c := at.call
		if c.RequestID() != "request" || c.CorrelationID() != "correlation" || c.Priority() != call.Sheddable ||
			c.Value("x-tenant") != "acme" || c.Value(call.TraceparentKey) != "00-trace" || c.Retries() != 2 {
			t.Errorf("the call is %+v", c)
		}
		if c.Value("X-Other") != "" || c.Key() != "" || c.Caller() != "" {
			t.Errorf("the call has what it should not: %+v", c)
		}
		if host, _, err := net.SplitHostPort(c.Peer()); err != nil || host != "127.0.0.1" {
			t.Errorf("the peer is %q", c.Peer())
		}
		if own := at.metadata.Get("own"); len(own) != 2 || own[0] != "one" || own[1] != "two" {
			t.Errorf("the user's own metadata is %v", own)
		}
		if len(at.metadata.Get(call.TimeoutKey)) > 0 || time.Until(at.deadline) > patience || at.deadline.IsZero() {
			t.Errorf("the deadline is %v, the metadata %v", at.deadline, at.metadata)
		}
	}
	t.Run("unary", func(t *testing.T) {
		_, err := client.Say(ctx, &echopb.Message{})
		check(t, err)
	})
	t.Run("stream", func(t *testing.T) {
		s, err := client.Chat(ctx)
		if err == nil {
			_ = s.CloseSend()
			err = drain(s)
		}
		check(t, err)
	})
}

func TestTheUsersMetadataWins(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&at))))
	ctx := call.With(within(t), call.RequestID("ours"))
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs("X-Request-ID", "theirs"))
	if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	if ids := at.metadata.Get("x-request-id"); len(ids) != 1 || ids[0] != "theirs" {
		t.Errorf("the request IDs are %v", ids)
	}
}

// A key that HTTP takes and gRPC does not would fail every call that has it.
func TestAKeyThatGRPCDoesNotTakeFailsNoCall(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&at))))
	ctx := call.With(within(t), call.Value("tenant_1.a-b", "kept"))
	unfit := []string{"tenant+id", "a~b", "Connection", "keep-alive", "Transfer-Encoding", "upgrade", "proxy-connection", "x-bin", "grpc-x"}
	for _, key := range unfit {
		ctx = call.With(ctx, call.Value(key, "left out"))
	}
	if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	for _, key := range unfit {
		if got := at.metadata.Get(key); len(got) > 0 {
			t.Errorf("%s is %q", key, got)
		}
	}
	if got := at.metadata.Get("tenant_1.a-b"); len(got) != 1 || got[0] != "kept" {
		t.Errorf("the key that it takes is %q", got)
	}
}

func TestForeignServersAreToldNothing(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dial(t, serve(t, grpc.NewServer(), looking(&at)), grpckit.Foreign()))
	ctx := call.With(within(t), call.RequestID("secret"), call.Value("x-tenant", "secret"))
	if _, err := client.Say(metadata.AppendToOutgoingContext(ctx, "own", "one"), &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	for key, values := range at.metadata {
		if strings.Contains(strings.Join(values, ""), "secret") {
			t.Errorf("it is told %s: %v", key, values)
		}
	}
	if len(at.metadata.Get("own")) != 1 || at.deadline.IsZero() {
		t.Errorf("it is not told what is the user's: %v", at.metadata)
	}
}

func TestWhatComesInIsChecked(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dialPlain(t, serve(t, grpckit.NewServer(grpckit.Allow("x-tenant")), looking(&at))))
	ctx := metadata.NewOutgoingContext(within(t), metadata.Pairs(
		"x-request-id", strings.Repeat("x", call.MaxIDLen+1),
		"x-correlation-id", " spaces ",
		"x-tenant", strings.Repeat("x", call.MaxValueLen+1),
		"x-request-priority", "emperor",
		"x-request-retries", "-1",
		"x-request-timeout-ms", "1",
		"tracestate", "a=1", "tracestate", "b=2",
	))
	if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	c := at.call
	if len(c.RequestID()) != 32 {
		t.Errorf("the request ID is %q", c.RequestID())
	}
	if c.CorrelationID() == " spaces " || c.Value("x-tenant") != "" || c.Priority() != call.Critical || c.Retries() != 0 {
		t.Errorf("the call is %+v", c)
	}
	if c.Value(call.TracestateKey) != "a=1,b=2" {
		t.Errorf("the trace state is %q", c.Value(call.TracestateKey))
	}
	if left := time.Until(at.deadline); left < time.Second {
		t.Errorf("a deadline that is not gRPC's is believed: %v", left)
	}
}

// The deadline is that of the first caller, in the second hop too: it is not begun anew
// with each, neither by the time that the first hop took nor by the default of a client.
func TestADeadlineShrinksFromHopToHop(t *testing.T) {
	var last seen
	inner := grpckit.NewEndpoint(echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&last)))).Say)
	const budget, spent = 11 * time.Second, 300 * time.Millisecond // the default is 30 s
	var middle time.Time
	var took time.Duration // by the second hop
	outer := serve(t, grpckit.NewServer(), &echo{say: func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
		middle, _ = ctx.Deadline()
		select {
		case <-time.After(spent): // is what the second hop must not get back
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // more than is left
		defer cancel()
		begin := time.Now()
		m, err := inner(ctx, m)
		took = time.Since(begin)
		return m, err
	}})
	ctx, cancel := context.WithTimeout(call.With(t.Context(), call.RequestID("one")), budget)
	defer cancel()
	first, _ := ctx.Deadline()
	begin := time.Now()
	if _, err := echopb.NewEchoClient(dial(t, outer)).Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)
	// The wire has the time that is left and not the moment, so that a deadline moves by
	// what its message took on the way, and by what the wire rounds.
	const rounding = 20 * time.Millisecond
	if by := middle.Sub(first); by < -rounding || by > whole-took-spent+rounding {
		t.Errorf("the deadline of the first hop is %v after the caller's", by)
	}
	if by := last.deadline.Sub(middle); by < -rounding || by > took+rounding {
		t.Errorf("the deadline of the second hop is %v after that of the first, and it took %v", by, took)
	}
	if last.call.RequestID() != "one" {
		t.Errorf("the request ID at the end is %q", last.call.RequestID())
	}
}

// What is over is over for all hops, and each says so.
func TestADeadlineThatIsOverEndsEveryHop(t *testing.T) {
	ended := make(chan error, 2)
	wait := func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}
	behind := dial(t, serve(t, grpckit.NewServer(), &echo{say: wait}))
	inner := echopb.NewEchoClient(behind)
	outer := serve(t, grpckit.NewServer(), &echo{say: func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
		_, err := inner.Say(ctx, m)
		ended <- err
		return nil, err
	}})
	conn := dial(t, outer)
	for _, c := range []*grpc.ClientConn{conn, behind} {
		if err := grpckit.Ready(within(t), c); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), arrives)
	defer cancel()
	_, err := echopb.NewEchoClient(conn).Say(short, &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded {
		t.Errorf("the error is %v", err)
	}
	for range 2 {
		// A caller whose time is over also cancels, which may be first.
		if code := endpoint.CodeOf(<-ended); code != endpoint.DeadlineExceeded && code != endpoint.Canceled {
			t.Errorf("a hop ends with %v", code)
		}
	}
}
