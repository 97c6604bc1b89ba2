package httpkit_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/transport/httpkit"
)

var _ call.Carrier = httpkit.HeaderCarrier{}

func TestHeaderCarrier(t *testing.T) {
	h := http.Header{}
	h.Add("Baggage", "a=1")
	h.Add("Baggage", "b=2")
	h.Add("X-Tenant", "first")
	h.Add("X-Tenant", "second")
	h["X-B3-Traceid"] = []string{"", "second"}
	h["X-Empty"] = []string{"", ""}
	c := httpkit.HeaderCarrier(h)
	for key, want := range map[string]string{
		"baggage": "a=1,b=2", "x-tenant": "first", "X-TENANT": "first", "absent": "",
		"x-b3-traceid": "second", "x-empty": "",
	} {
		if got := c.Get(key); got != want {
			t.Errorf("Get(%q) = %q, want %q", key, got, want)
		}
	}
	c.Set("x-tenant", "third")
	if got := h.Values("X-Tenant"); !slices.Equal(got, []string{"third"}) {
		t.Errorf("after Set the values are %q", got)
	}
	h["Tracestate"] = []string{"a=1", "b=2"}
	c.Set("tracestate", "")
	if got, ok := h["Tracestate"]; ok {
		t.Errorf("after Set of nothing the values are %q", got)
	}
	if got := slices.Sorted(slices.Values(c.Keys())); !slices.Equal(got, []string{"Baggage", "X-B3-Traceid", "X-Empty", "X-Tenant"}) {
		t.Errorf("Keys() = %q", got)
	}
}
