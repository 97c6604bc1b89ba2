package call_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/call"
)

func TestAttempt(t *testing.T) {
	for _, tt := range []struct {
		n, attempt, retries int
	}{{-1, 1, 0}, {0, 1, 0}, {1, 1, 0}, {2, 2, 1}, {7, 7, 6}} {
		c := call.From(call.With(t.Context(), call.Attempt(tt.n, []string{"a", "b"})))
		if c.Attempt() != tt.attempt || c.Retries() != tt.retries || c.Inherited() != 0 {
			t.Errorf("attempt %d: %s", tt.n, show(c))
		}
		if !c.Avoided("a") || !c.Avoided("b") || c.Avoided("c") || c.Avoids() != 2 {
			t.Errorf("attempt %d avoids the wrong instances", tt.n)
		}
	}
}

// An attempt within an attempt avoids what that one avoids, without writing to its
// list.
func TestAppendAvoided(t *testing.T) {
	outer := append(make([]string, 0, 8), "a", "b")
	ctx := call.With(t.Context(), call.Attempt(2, outer))
	first := append(call.From(ctx).AppendAvoided(nil), "c")
	second := append(call.From(ctx).AppendAvoided([]string{"d"}), "e")
	if !slices.Equal(first, []string{"a", "b", "c"}) || !slices.Equal(second, []string{"d", "a", "b", "e"}) {
		t.Errorf("got %v and %v", first, second)
	}
	if got := call.From(t.Context()).AppendAvoided(nil); got != nil {
		t.Errorf("no call avoids %v", got)
	}
}

// The mark adds up from hop to hop, so that the last server can tell.
func TestRetryMarkOverHops(t *testing.T) {
	p := call.NewPropagator()
	ctx := t.Context()
	for hop, want := range []int{2, 4, 6} {
		out := header{}
		p.Inject(call.With(ctx, call.Attempt(3, nil)), out)
		received, cancel := p.Extract(t.Context(), out)
		defer cancel()
		if c := call.From(received); c.Retries() != want || c.Inherited() != want || c.Attempt() != 1 {
			t.Errorf("hop %d: %s, want %d retries", hop, show(c), want)
		}
		ctx = received
	}
	out := header{}
	p.Inject(call.With(t.Context(), call.Attempt(1_000_000, nil)), out)
	if got := out.Get(call.RetriesKey); got != "999" {
		t.Errorf("a million retries are sent as %q", got)
	}
	out = header{}
	p.Inject(call.With(t.Context(), call.Attempt(1, nil)), out)
	if got, sent := out[call.RetriesKey]; sent {
		t.Errorf("a first attempt is marked %q", got)
	}
}

func TestObserve(t *testing.T) {
	first, second := "10.0.0.1:80", "10.0.0.2:80"
	ctx, record := call.Observe(call.With(t.Context(), call.RequestID("r")))
	if record.Attempts() != 0 || record.Instance() != "" {
		t.Errorf("before the call: %d attempts at %q", record.Attempts(), record.Instance())
	}
	for n, id := range []*string{&first, &second} {
		attempt := call.From(call.With(ctx, call.Attempt(n+1, nil)))
		addr := "at " + *id
		attempt.Asked(id, &addr)
		if record.Attempts() != n+1 || record.Instance() != *id || record.Address() != addr {
			t.Errorf("got %d attempts at %q, %q", record.Attempts(), record.Instance(), record.Address())
		}
	}
	if call.From(ctx).RequestID() != "r" {
		t.Error("Observe lost the call")
	}
	there := "there"
	call.From(ctx).Answered(&first, &there)
	if record.Attempts() != 2 || record.Instance() != first || record.Address() != there {
		t.Errorf("the first answered, got %d attempts at %q", record.Attempts(), record.Instance())
	}
	call.From(t.Context()).Answered(&first, &there) // nobody observes
	var unused call.Record
	if unused.Attempts() != 0 || unused.Instance() != "" || unused.Address() != "" {
		t.Error("the zero record is not empty")
	}
}

// A logger round a tracer: both see the call.
func TestObserversNest(t *testing.T) {
	id := "a"
	ctx, outer := call.Observe(t.Context())
	one, first := call.Observe(ctx)
	two, second := call.Observe(ctx)
	call.From(one).Asked(&id, &id)
	call.From(one).Asked(&id, &id)
	call.From(two).Asked(&id, &id)
	call.From(one).Answered(&id, &id)
	if outer.Attempts() != 3 || first.Attempts() != 2 || second.Attempts() != 1 || outer.Instance() != "a" {
		t.Errorf("outer %d, inner %d and %d", outer.Attempts(), first.Attempts(), second.Attempts())
	}
}

func TestUnobserved(t *testing.T) {
	id := "a"
	ctx, record := call.Observe(call.With(t.Context(), call.Key("k")))
	c := call.From(call.With(ctx, call.Unobserved()))
	if c.Asked(&id, &id); c.Observed() || record.Attempts() != 0 || c.Key() != "k" {
		t.Errorf("the record has %d attempts of %s", record.Attempts(), show(c))
	}
	if !call.From(ctx).Observed() {
		t.Error("the call round it is not observed any more")
	}
}

func TestRecordConcurrentSafe(t *testing.T) {
	ids := []string{"a", "b"}
	ctx, record := call.Observe(t.Context())
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 100 {
				call.From(ctx).Asked(&ids[n%2], &ids[n%2])
				if id := record.Instance(); id != "a" && id != "b" {
					t.Errorf("got %q", id)
				}
			}
		})
	}
	wg.Wait()
	if record.Attempts() != 800 {
		t.Errorf("got %d attempts", record.Attempts())
	}
}
