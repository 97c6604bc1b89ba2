package call_test

import (
	"strings"
	"testing"

	"github.com/dowelkit/dowel/call"
)

func TestAllocations(t *testing.T) {
	ctx := call.With(t.Context(), call.Value("X-Tenant", "acme"))
	observed, _ := call.Observe(ctx)
	c, id := call.From(observed), "a"
	p := call.NewPropagator("X-Tenant")
	digits := strings.Repeat("9", 1<<20) // what is not believed is not copied either
	hostile := header{
		call.RequestIDKey: {"r"}, call.CorrelationIDKey: {digits}, "X-Tenant": {digits},
		call.TimeoutKey: {digits}, call.RetriesKey: {digits},
	}
	attempt := call.Attempt(2, nil)
	for _, tt := range []struct {
		name string
		most float64
		run  func()
	}{
		{"From", 0, func() { _ = call.From(ctx).RequestID() }},
		{"Value", 0, func() { _ = c.Value("X-TENANT") }},
		{"Asked", 0, func() { c.Asked(&id, &id) }},
		{"With", 1, func() { call.With(ctx, attempt) }},                                  // context and call in one
		{"Extract", 2, func() { _, cancel := p.Extract(ctx, header(traced)); cancel() }}, // and the values
		{"Extract, hostile", 1, func() { _, cancel := p.Extract(ctx, hostile); cancel() }},
	} {
		if n := testing.AllocsPerRun(100, tt.run); n > tt.most {
			t.Errorf("%s: %v allocations, want %v", tt.name, n, tt.most)
		}
	}
}
