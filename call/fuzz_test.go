package call_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
)

// travels says, in other words than the code, what may cross the wire.
func travels(text string, limit int) bool {
	for i, r := range text {
		edge := i == 0 || i == len(text)-1
		if r > '~' || r < ' ' || r == ' ' && edge {
			return false
		}
	}
	return text != "" && len(text) <= limit
}

// Inject then Extract gives the same call, or the value was not allowed to
// travel.
func FuzzRoundTrip(f *testing.F) {
	f.Add("r1", "batch 7", "acme", "00-4bf9-00f0-01", int8(-2), 3, int64(1500*time.Millisecond))
	f.Add("", "a\nb", "ünï", " ", int8(9), -1, int64(-1))
	f.Add("\xff", "x\x00", "~", "a ", int8(1), 2000, int64(1)<<62)
	f.Fuzz(func(t *testing.T, id, correlation, tenant, trace string, priority int8, attempt int, left int64) {
		synctest.Test(t, func(t *testing.T) {
			p := call.NewPropagator("X-Tenant")
			deadline, cancel := context.WithTimeout(t.Context(), time.Duration(left))
			defer cancel()
			sent := call.With(deadline, call.RequestID(id), call.CorrelationID(correlation), call.Caller("me"),
				call.Priority(call.Criticality(priority)), call.Attempt(attempt, nil),
				call.Value("x-tenant", tenant), call.Value("x-other", tenant), call.Value(call.TraceparentKey, trace))
			out := header{}
			p.Inject(sent, out)
			received, release := p.Extract(context.Background(), out)
			defer release()

			a, b := call.From(sent), call.From(received)
			for what, v := range map[string]struct {
				sent, received string
				limit          int
			}{
				"correlation ID": {a.CorrelationID(), b.CorrelationID(), call.MaxIDLen},
				"tenant":         {tenant, b.Value("x-tenant"), call.MaxValueLen},
				"traceparent":    {trace, b.Value(call.TraceparentKey), call.MaxTraceLen},
				"not allowed":    {tenant, b.Value("x-other"), 0},
				"caller":         {"me", b.Caller(), 0},
			} {
				if want := travels(v.sent, v.limit); want && v.received != v.sent || !want && v.received != "" {
					t.Errorf("%s: %q is received as %q", what, v.sent, v.received)
				}
			}
			if travels(id, call.MaxIDLen) != (b.RequestID() == id) || b.RequestID() == "" {
				t.Errorf("ID %q is received as %q", id, b.RequestID())
			}
			if known := call.Sheddable <= a.Priority() && a.Priority() <= call.CriticalPlus; known && b.Priority() != a.Priority() {
				t.Errorf("priority %v is received as %v", a.Priority(), b.Priority())
			}
			if want := min(a.Retries(), 999); b.Retries() != want || b.Inherited() != want {
				t.Errorf("%d retries are received as %d", a.Retries(), b.Retries())
			}
			want := min(max(0, time.Duration(left)), call.MaxTimeout)
			until, ok := received.Deadline()
			if got := time.Until(until); !ok || got < want || got >= want+time.Millisecond {
				t.Errorf("%v left are received as %v", time.Duration(left), got)
			}
		})
	})
}

// Whatever comes in, what is kept is clean, and handing it on changes nothing
// any more.
func FuzzExtract(f *testing.F) {
	f.Add("r1", "c1", "1500", "sheddable", "2", "00-a-b-01", "acme")
	f.Add("a\r\nb", "\x7f", "-1", "critical", "1e9", "\t", "é")
	f.Fuzz(func(t *testing.T, id, correlation, timeout, priority, retries, trace, tenant string) {
		synctest.Test(t, func(t *testing.T) {
			in := header{
				call.RequestIDKey: {id}, call.CorrelationIDKey: {correlation}, call.TimeoutKey: {timeout},
				call.PriorityKey: {priority}, call.RetriesKey: {retries}, call.TracestateKey: {trace}, "X-Tenant": {tenant},
			}
			p := call.NewPropagator("x-tenant")
			first, release := p.Extract(context.Background(), in)
			defer release()
			c := call.From(first)
			if !travels(c.RequestID(), call.MaxIDLen) {
				t.Errorf("request ID %q", c.RequestID())
			}
			for _, v := range []string{c.CorrelationID(), c.Value(call.TracestateKey), c.Value("x-tenant")} {
				if v != "" && !travels(v, call.MaxTraceLen) {
					t.Errorf("%q is kept", v)
				}
			}
			out := header{}
			p.Inject(first, out)
			second, release := p.Extract(context.Background(), out)
			defer release()
			if show(call.From(second)) != show(c) {
				t.Errorf("got  %s\nthen %s", show(c), show(call.From(second)))
			}
			before, had := first.Deadline()
			after, has := second.Deadline()
			if had != has || !before.Equal(after) {
				t.Errorf("the deadline moved by %v", after.Sub(before))
			}
		})
	})
}
