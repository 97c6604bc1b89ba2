package call_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/call"
)

func keys(c *call.Call) (keys []string) {
	for key := range c.Values() {
		keys = append(keys, key)
	}
	return keys
}

func TestValues(t *testing.T) {
	ctx := call.With(t.Context(),
		call.Value("X-Tenant", "acme"), call.Value("b", "2"), call.Value("A", "1"),
		call.Value("x-TENANT", "other"), call.Value("gone", "x"), call.Value("GONE", ""), call.Value("never", ""),
	)
	c := call.From(ctx)
	if got, want := keys(c), []string{"a", "b", "x-tenant"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for key, want := range map[string]string{
		"x-tenant": "other", "X-Tenant": "other", "X-TENANT": "other", "a": "1", "B": "2",
		"gone": "", "x-tenan": "", "": "",
	} {
		if got := c.Value(key); got != want {
			t.Errorf("%q is %q, want %q", key, got, want)
		}
	}
	for range c.Values() {
		break // the loop may end early
	}
}

func TestManyValues(t *testing.T) {
	ctx := t.Context()
	var want []string
	for n := range 1000 {
		key := fmt.Sprintf("key-%03d", n*7%1000)
		want = append(want, key)
		ctx = call.With(ctx, call.Value(key, key))
	}
	slices.Sort(want)
	c := call.From(ctx)
	if !slices.Equal(keys(c), want) {
		t.Errorf("%d keys, not sorted or not all", len(keys(c)))
	}
	if got := c.Value("KEY-999"); got != "key-999" {
		t.Errorf("got %q", got)
	}
}

// Whatever the keys, values behave as a map from the lower-case key does.
func FuzzValues(f *testing.F) {
	f.Add("X-Tenant=acme\nx-tenant=other\nA=\nb=2")
	f.Add("K=kelvin\nk=k\nſ=long s\nS=s\n=empty\nİ=dotted")
	f.Fuzz(func(t *testing.T, script string) {
		lower := func(key string) string {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, strings.ToValidUTF8(key, "?"))
		}
		ctx, model := context.Background(), map[string]string{}
		for line := range strings.Lines(strings.ToValidUTF8(script, "?")) {
			key, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			ctx = call.With(ctx, call.Value(key, text))
			model[lower(key)] = text
			if got := call.From(ctx).Value(key); got != text {
				t.Errorf("%q is %q right after it was set to %q", key, got, text)
			}
		}
		c := call.From(ctx)
		for key, want := range model {
			if got := c.Value(key); got != want {
				t.Errorf("%q is %q, want %q", key, got, want)
			}
			if want == "" {
				delete(model, key)
			}
		}
		if got := keys(c); len(got) != len(model) || !slices.IsSorted(got) {
			t.Errorf("keys %q, want those of %q, sorted", got, model)
		}
	})
}
