package call_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/call"
)

// show writes down everything that can be asked of a call.
func show(c *call.Call) string {
	return fmt.Sprint(
		"id=", c.RequestID(), " corr=", c.CorrelationID(), " peer=", c.Peer(), " caller=", c.Caller(),
		" key=", c.Key(), " priority=", c.Priority(), " attempt=", c.Attempt(), " retries=", c.Retries(),
		" inherited=", c.Inherited(), " avoids=", c.Avoids(), " values=", maps.Collect(c.Values()),
	)
}

func TestNilCallIsEmpty(t *testing.T) {
	c := call.From(t.Context())
	if c != nil {
		t.Fatalf("a context without a call gives %v", c)
	}
	const want = "id= corr= peer= caller= key= priority=critical attempt=1 retries=0 inherited=0 avoids=0 values=map[]"
	if got := show(c); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := show(new(call.Call)); got != want {
		t.Errorf("the zero value is %s", got)
	}
	if c.Value("k") != "" || c.Avoided("a") {
		t.Error("a nil call has something")
	}
	id := "a"
	c.Asked(&id, &id) // nobody observes
}

func TestWith(t *testing.T) {
	ctx := call.With(t.Context(),
		call.RequestID("r"), call.CorrelationID("c"), call.Peer("p"), call.Caller("me"), call.Key("k"),
		call.Priority(call.Sheddable), call.Attempt(3, []string{"a", "b"}), call.Value("X-Tenant", "acme"),
	)
	const want = "id=r corr=c peer=p caller=me key=k priority=sheddable attempt=3 retries=2 inherited=0 avoids=2 values=map[x-tenant:acme]"
	if got := show(call.From(ctx)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := show(call.From(call.With(ctx))); got != want {
		t.Errorf("a copy without a change is %s", got)
	}
	last := call.From(call.With(ctx, call.Key("x"), call.Key("y")))
	if got := show(last); got != strings.Replace(want, "key=k", "key=y", 1) {
		t.Errorf("with another key it is %s", got)
	}
}

type otherKey struct{}

// A context with a call is a context like any other.
func TestWithKeepsTheContext(t *testing.T) {
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), otherKey{}, "v"))
	ctx := call.With(parent, call.RequestID("r"))
	child, stop := context.WithCancel(ctx)
	defer stop()
	if ctx.Value(otherKey{}) != "v" || call.From(child).RequestID() != "r" {
		t.Error("a value is lost on the way")
	}
	if call.From(parent) != nil {
		t.Error("With changed the context it was given")
	}
	cancel()
	<-child.Done()
	if ctx.Err() != context.Canceled {
		t.Errorf("got %v", ctx.Err())
	}
}

func TestWithLeavesTheOldCallAlone(t *testing.T) {
	old := call.With(t.Context(), call.RequestID("r"), call.Value("a", "1"), call.Value("c", "3"))
	before := show(call.From(old))
	for name, opt := range map[string]call.Option{
		"RequestID": call.RequestID("x"), "CorrelationID": call.CorrelationID("x"), "Peer": call.Peer("x"),
		"Caller": call.Caller("x"), "Key": call.Key("x"), "Priority": call.Priority(call.CriticalPlus),
		"Attempt": call.Attempt(2, []string{"x"}), "Value, new": call.Value("b", "x"),
		"Value, changed": call.Value("a", "x"), "Value, removed": call.Value("a", ""),
	} {
		if got := show(call.From(call.With(old, opt))); got == before {
			t.Errorf("%s changes nothing", name)
		}
		if got := show(call.From(old)); got != before {
			t.Fatalf("%s changed the old call: %s", name, got)
		}
	}
}

func TestCallConcurrentSafe(t *testing.T) {
	ctx := call.With(t.Context(), call.RequestID("r"), call.Value("a", "1"))
	before := show(call.From(ctx))
	set := call.Value("shared", "s") // one option serves many calls
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 100 {
				own := fmt.Sprint(n)
				c := call.From(call.With(ctx, set, call.Value("own", own), call.Key(own), call.Attempt(n+1, nil)))
				if c.Value("own") != own || c.Value("shared") != "s" || c.Value("A") != "1" || c.Key() != own {
					t.Errorf("got %s", show(c))
				}
				if got := show(call.From(ctx)); got != before {
					t.Errorf("the shared call became %s", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestWithNamesANilOption(t *testing.T) {
	defer func() {
		if got := recover(); got != "call: option 2 is nil" {
			t.Errorf("the panic is %v", got)
		}
	}()
	call.With(t.Context(), call.Key("k"), nil)
}
