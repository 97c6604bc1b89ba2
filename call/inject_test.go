package call_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
)

func TestInject(t *testing.T) {
	p := call.NewPropagator()
	for _, tt := range []struct {
		name string
		opts []call.Option
		want header
	}{
		{"nothing", nil, header{}},
		{
			"what travels",
			[]call.Option{
				call.RequestID("r"), call.CorrelationID("c"), call.Priority(call.CriticalPlus),
				call.Attempt(2, nil), call.Value("x-tenant", "acme"), call.Value(call.TraceparentKey, "00-a-b-01"),
			},
			header{
				"X-Request-Id": {"r"}, "X-Correlation-Id": {"c"}, "X-Request-Priority": {"critical_plus"},
				"X-Request-Retries": {"1"}, "X-Tenant": {"acme"}, "Traceparent": {"00-a-b-01"},
			},
		},
		{"what stays", []call.Option{call.Peer("p"), call.Caller("me"), call.Key("k"), call.Priority(call.Critical)}, header{}},
		{
			"what nobody would believe",
			[]call.Option{
				call.RequestID("a\r\nb"), call.CorrelationID(strings.Repeat("x", call.MaxIDLen+1)), call.Priority(9),
				call.Value("x-a", "line\nbreak"), call.Value("x-b", strings.Repeat("x", call.MaxValueLen+1)),
				call.Value("bad key", "v"), call.Value("bad\r\nkey", "v"), call.Value("", "v"), call.Value("ключ", "v"),
				call.Value(strings.Repeat("k", call.MaxIDLen+1), "v"), call.Value("x-c", "ünï"),
			},
			header{},
		},
		{
			"what it says itself", // a value under such a key is kept here, but not sent
			[]call.Option{
				call.Value(call.RequestIDKey, "v"), call.Value(call.CorrelationIDKey, "v"), call.Value(call.TimeoutKey, "99"),
				call.Value(call.PriorityKey, "sheddable"), call.Value(call.RetriesKey, "5"),
			},
			header{},
		},
	} {
		out := header{}
		p.Inject(call.With(t.Context(), tt.opts...), out)
		if fmt.Sprint(out) != fmt.Sprint(tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", tt.name, out, tt.want)
		}
	}
	out := header{}
	p.Inject(t.Context(), out)
	if len(out) != 0 {
		t.Errorf("a context without a call is sent as %v", out)
	}
}

func TestInjectKeepsWhatIsThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	ctx = call.With(ctx, call.RequestID("r"), call.CorrelationID("c"), call.Priority(call.Sheddable),
		call.Attempt(2, nil), call.Value("x-tenant", "acme"), call.Value(call.BaggageKey, "a=1"))
	out := header{"Authorization": {"mine"}}
	sent := []string{
		call.RequestIDKey, call.CorrelationIDKey, call.TimeoutKey, call.PriorityKey,
		call.RetriesKey, call.BaggageKey, "X-Tenant",
	}
	for _, key := range sent {
		out.Set(key, "mine")
	}
	call.NewPropagator().Inject(ctx, out)
	for key, values := range out {
		if fmt.Sprint(values) != "[mine]" {
			t.Errorf("%s became %q", key, values)
		}
	}
	if len(out) != len(sent)+1 {
		t.Errorf("got %v", out)
	}
	empty := header{call.RequestIDKey: {""}}
	if call.NewPropagator().Inject(ctx, empty); empty.Get(call.RequestIDKey) != "r" {
		t.Errorf("an empty value is taken for one: %v", empty)
	}
}
