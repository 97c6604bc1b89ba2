package grpckit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// traces injects a trace, as package tracing does: some keys twice, which replaces too.
type traces struct{}

func (traces) Inject(_ context.Context, out call.Carrier) {
	out.Set("Traceparent", "stale")
	out.Set("traceparent", "current")
	out.Set("Tracestate", "")
	out.Set("b3", "stale")
	out.Set("b3", "")
	out.Set("b3", "")
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
	own := metadata.Pairs("TraceParent", "old", "traceparent", "older", "tracestate", "of=older", "own", "one", "own", "two", "own-bin", "three")
	ctx = metadata.AppendToOutgoingContext(metadata.NewOutgoingContext(ctx, own), "x-b3-traceid", "old", "own", "four")
	for range 2 { // the context of the first call is that of the second
		if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{
			"traceparent": "current", "x-b3-traceid": "current", "x-request-id": "id",
			"tracestate": "", "b3": "", "own": "one,two,four", "own-bin": "three", "trace-bin": "", "grpc-timeout": "",
		} {
			got := at.metadata.Get(key)
			if strings.Join(got, ",") != want || want == "" && len(got) > 0 {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if left := time.Until(at.deadline); left < 2*time.Second {
			t.Errorf("the deadline is %v away: the injector's", left)
		}
	}
	if own.Len() != 4 || len(own["traceparent"]) != 2 {
		t.Errorf("the user's metadata has become %v", own)
	}
}

// clears takes out the keys that it finds, as package tracing does.
type clears []string

func (keys clears) Inject(_ context.Context, out call.Carrier) {
	for _, key := range keys {
		if out.Get(key) != "" {
			out.Set(key, "")
		}
	}
}

func (clears) Replaces(string) bool { return true }

// A value that is empty does not hide those after it, which a server may believe.
func TestAnInjectorFindsWhatStandsBehindAnEmptyValue(t *testing.T) {
	var at seen
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), looking(&at))))
	keys := clears{call.TracestateKey, "B3"}
	ctx := call.With(within(t), call.CorrelationID("ours"), call.InjectedBy(keys))
	ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", "", "tracestate", "of=older", "b3", "", "b3", "old",
		"x-correlation-id", "", "x-correlation-id", "theirs")
	if _, err := client.Say(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if got := at.metadata.Get(key); len(got) > 0 {
			t.Errorf("%s is %q", key, got)
		}
	}
	if got := at.call.CorrelationID(); got != "theirs" {
		t.Errorf("the correlation ID is %q", got)
	}
}
