package call_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/call"
)

// Trace context is handed on byte for byte, by a server that allows nothing.
func TestTraceContextIsUntouched(t *testing.T) {
	in := header{
		call.TraceparentKey: {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		call.TracestateKey:  {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"},
		call.BaggageKey:     {"userId=Am%C3%A9lie, isProduction=false;meta"},
	}
	var p call.Propagator
	ctx, _ := extract(t, &p, in)
	out := header{}
	p.Inject(ctx, out)
	for key, want := range in {
		if got := out.Get(key); got != want[0] {
			t.Errorf("%s: got %q, want %q", key, got, want[0])
		}
	}
}

func TestNewPropagatorPanics(t *testing.T) {
	defer func() {
		message, _ := recover().(string)
		for _, want := range []string{
			"call: NewPropagator: ", `"" is not`, `"bad key" is not`, `"a\nb" is not`, `"ä" is not`, "\"\u212aey\" is not",
			`"x-request-id" is reserved`, `"Traceparent" is reserved`, `"X-REQUEST-TIMEOUT-MS" is reserved`,
		} {
			if !strings.Contains(message, want) {
				t.Errorf("the message lacks %s", want)
			}
		}
		if strings.Contains(message, "fine") || strings.Count(message, ";") != 8 || len(message) > 600 {
			t.Errorf("the message is %s", message)
		}
	}()
	call.NewPropagator("", "bad key", "fine", "a\nb", "ä", "\u212aey", strings.Repeat("k", 1<<20),
		"x-request-id", "Traceparent", "X-REQUEST-TIMEOUT-MS")
	t.Error("it does not panic")
}

func TestPropagatorConcurrentSafe(t *testing.T) {
	p := call.NewPropagator("X-Tenant")
	shared, _ := extract(t, p, header(traced))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				out := header{}
				p.Inject(shared, out)
				ctx, cancel := p.Extract(t.Context(), out)
				if show(call.From(ctx)) != show(call.From(shared)) {
					t.Errorf("got %s", show(call.From(ctx)))
				}
				cancel()
			}
		})
	}
	wg.Wait()
}
