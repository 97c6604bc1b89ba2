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

// traces injects a trace, as package tracing does: some keys twice, which replaces too.
type traces struct{}

func (traces) Inject(_ context.Context, out call.Carrier) {
	out.Set("Traceparent", "stale")
	out.Set("traceparent", "current")
	out.Set("X-B3-TraceId", "current")
	out.Set("grpc-timeout", "1S")
	out.Set("trace-bin", "binary")
}

func (traces) Replaces(string) bool { return true }

// What an injector writes is of this moment. It takes the place of what is in the
// metadata from before, by the user or by another layer, and touches nothing else.
func TestAnInjectorReplacesWhatIsInTheMetadata(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&at))))
	ctx := call.With(within(t), call.RequestID("id"), call.InjectedBy(traces{}), call.Value("traceparent", "received"))
	own := metadata.Pairs("TraceParent", "old", "traceparent", "older", "own", "one", "own", "two", "own-bin", "three")
	ctx = metadata.AppendToOutgoingContext(metadata.NewOutgoingContext(ctx, own), "x-b3-traceid", "old", "own", "four")
	for range 2 { // the context of the first call is that of the second
		if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{
			"traceparent": "current", "x-b3-traceid": "current", "x-request-id": "id",
			"own": "one,two,four", "own-bin": "three", "trace-bin": "", "grpc-timeout": "",
		} {
			if got := strings.Join(at.metadata.Get(key), ","); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if left := time.Until(at.deadline); left < 2*time.Second {
			t.Errorf("the deadline is %v away: the injector's", left)
		}
	}
	if own.Len() != 3 || len(own["traceparent"]) != 2 {
		t.Errorf("the user's metadata has become %v", own)
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

func TestADeadlineShrinksFromHopToHop(t *testing.T) {
	var last seen
	inner := grpckit.NewEndpoint(echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&last)))).Say)
	var middle time.Time
	outer := serve(t, grpckit.NewServer(), &echo{say: func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
		middle, _ = ctx.Deadline()
		ctx, cancel := context.WithTimeout(ctx, 2*patience) // more than is left
		defer cancel()
		return inner(ctx, m)
	}})
	ctx, cancel := context.WithTimeout(call.With(t.Context(), call.RequestID("one")), patience)
	defer cancel()
	begin, _ := ctx.Deadline()
	if _, err := echopb.NewEchoClient(dial(t, outer)).Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	// The wire has the time that is left, rounded by less than this.
	const rounding = 50 * time.Millisecond
	for hop, deadline := range []time.Time{middle, last.deadline} {
		if deadline.IsZero() || deadline.Sub(begin) > time.Second+rounding || time.Until(deadline) > patience {
			t.Errorf("hop %d has %v left of %v", hop+1, time.Until(deadline), patience)
		}
	}
	if last.call.RequestID() != "one" {
		t.Errorf("the request ID at the end is %q", last.call.RequestID())
	}

	// And what is over is over for all of them.
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	blocked := serve(t, grpckit.NewServer(), &echo{say: func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	_, err := echopb.NewEchoClient(dial(t, blocked)).Say(short, &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded {
		t.Errorf("the error is %v", err)
	}
}
