package call_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/call"
)

func extract(t *testing.T, p *call.Propagator, in call.Carrier) (context.Context, *call.Call) {
	t.Helper()
	ctx, cancel := p.Extract(t.Context(), in)
	t.Cleanup(cancel)
	return ctx, call.From(ctx)
}

func TestExtractWhatIsBelieved(t *testing.T) {
	long := strings.Repeat("x", call.MaxIDLen)
	for _, tt := range []struct {
		name, key, sent, want string
	}{
		{"an ID", call.CorrelationIDKey, "batch-7", "batch-7"},
		{"inner spaces", call.CorrelationIDKey, "batch 7", "batch 7"},
		{"every visible character", call.CorrelationIDKey, `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`, `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`},
		{"as long as may be", call.CorrelationIDKey, long, long},
		{"too long", call.CorrelationIDKey, long + "x", ""},
		{"a megabyte", call.CorrelationIDKey, strings.Repeat("x", 1<<20), ""},
		{"outer space", call.CorrelationIDKey, " batch", ""},
		{"trailing space", call.CorrelationIDKey, "batch ", ""},
		{"line break", call.CorrelationIDKey, "a\r\nSet-Cookie: b", ""},
		{"NUL", call.CorrelationIDKey, "a\x00b", ""},
		{"tab", call.CorrelationIDKey, "a\tb", ""},
		{"DEL", call.CorrelationIDKey, "a\x7fb", ""},
		{"escape sequence", call.CorrelationIDKey, "\x1b[31mred", ""},
		{"beyond ASCII", call.CorrelationIDKey, "bätch", ""},
		{"broken UTF-8", call.CorrelationIDKey, "a\xffb", ""},
		{"allowed value", "X-Tenant", "acme", "acme"},
		{"allowed value, long", "X-Tenant", strings.Repeat("x", call.MaxValueLen), strings.Repeat("x", call.MaxValueLen)},
		{"allowed value, too long", "X-Tenant", strings.Repeat("x", call.MaxValueLen+1), ""},
		{"value not allowed", "X-Admin", "true", ""},
		{"traceparent", call.TraceparentKey, "00-4bf9-00f0-01", "00-4bf9-00f0-01"},
		{"baggage, long", call.BaggageKey, strings.Repeat("x", call.MaxTraceLen), strings.Repeat("x", call.MaxTraceLen)},
		{"baggage, too long", call.BaggageKey, strings.Repeat("x", call.MaxTraceLen+1), ""},
	} {
		in := http.Header{}
		in.Set(tt.key, tt.sent)
		_, c := extract(t, call.NewPropagator("x-tenant"), header(in))
		got := c.Value(tt.key)
		if tt.key == call.CorrelationIDKey {
			got = c.CorrelationID()
		}
		if got != tt.want {
			t.Errorf("%s: got %.40q, want %.40q", tt.name, got, tt.want)
		}
	}
}

func TestExtractPriority(t *testing.T) {
	for text, want := range map[string]call.Criticality{
		"": call.Critical, "sheddable": call.Sheddable, "critical_plus": call.CriticalPlus,
		"criticality(7)": call.Critical, "\x00": call.Critical, strings.Repeat("x", 1<<20): call.Critical,
	} {
		if _, c := extract(t, call.NewPropagator(), header{call.PriorityKey: {text}}); c.Priority() != want {
			t.Errorf("%.20q is %v, want %v", text, c.Priority(), want)
		}
	}
}

// Of thousands of keys, those that were allowed are kept and no other.
func TestExtractThousandsOfKeys(t *testing.T) {
	in := header{"X-Tenant": {"acme", "second"}}
	for n := range 5000 {
		in[fmt.Sprintf("X-Key-%d", n)] = []string{strings.Repeat("v", n)}
	}
	_, c := extract(t, call.NewPropagator("X-Key-7", "X-Tenant", "x-key-7", "X-KEY-2000"), in)
	if got, want := fmt.Sprint(keys(c)), "[x-key-7 x-tenant]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.Value("X-Tenant"); got != "acme" {
		t.Errorf("of several values %q is kept, not the first", got)
	}
}

func TestExtractMakesRequestID(t *testing.T) {
	seen := map[string]bool{}
	for _, sent := range []string{"", "a\nb", strings.Repeat("x", 1000)} {
		_, c := extract(t, &call.Propagator{}, header{call.RequestIDKey: {sent}})
		if id := c.RequestID(); len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || seen[id] {
			t.Errorf("for %.20q the ID %q is made", sent, id)
		} else {
			seen[id] = true
		}
	}
	if _, c := extract(t, &call.Propagator{}, header{call.RequestIDKey: {"mine"}}); c.RequestID() != "mine" {
		t.Errorf("got %q", c.RequestID())
	}
}

// A server's context may belong to a call already; the incoming call is another.
func TestExtractReplacesTheCall(t *testing.T) {
	ctx := call.With(t.Context(), call.RequestID("old"), call.Caller("root"), call.Value("x-tenant", "old"), call.Attempt(4, nil))
	in := header{call.RequestIDKey: {"new"}}
	got, cancel := call.NewPropagator("x-tenant").Extract(ctx, in, call.Peer("10.0.0.9:5000"), call.Key("k"))
	defer cancel()
	const want = "id=new corr= peer=10.0.0.9:5000 caller= key=k priority=critical attempt=1 retries=0 inherited=0 avoids=0 values=map[]"
	if got := show(call.From(got)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if call.From(ctx).RequestID() != "old" {
		t.Error("the context that was given changed")
	}
}
