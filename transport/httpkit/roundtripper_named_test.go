package httpkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// The errors of a client name the instance that a RoundTripper picked, so that a retry
// goes to another one: the strategy would pick the first for ever.
func TestErrorsNameWhoWasPicked(t *testing.T) {
	down, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	cut, _ := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	missing, _ := serve(t, http.NotFound)
	tried := func(bases ...string) (ids []string) {
		c := dial(t, "http://stringsvc", httpkit.HTTPClient(balanced(t, newWitness(), bases...)))
		one := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")
		_, err := lb.Retry(one, lb.Idempotent(), lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1}))(t.Context(), clientWord{})
		attempts := []error{err}
		if several, ok := errors.AsType[*lb.RetryError](err); ok {
			attempts = several.Attempts
		}
		for _, err := range attempts {
			e, _ := errors.AsType[*endpoint.Error](err)
			ids = append(ids, e.Instance)
		}
		return ids
	}
	ids := tried("http://"+refusedAddr(t), down, cut)
	if slices.Sort(ids); !slices.Equal(ids, []string{"i0", "i1", "i2"}) {
		t.Errorf("the attempts name %q", ids)
	}
	if ids := tried(missing); !slices.Equal(ids, []string{"i0"}) {
		t.Errorf("an answer that is final names %q", ids)
	}
}

// A typed client that finds its servers by the name of their service.
func ExampleHTTPClient() {
	server := userServer()
	defer server.Close()
	registry := memory.NewRegistry()
	if err := registry.Set("users", *instanceAt(server.URL)); err != nil {
		fmt.Println(err)
		return
	}

	balanced := httpkit.NewRoundTripper(httpkit.Service("users", registry.Instancer("users"), lb.PeakEWMA()))
	defer balanced.Close()
	client, err := httpkit.NewClient("http://users", httpkit.HTTPClient(&http.Client{Transport: balanced}))
	if err != nil {
		fmt.Println(err)
		return
	}
	find := httpkit.NewEndpoint[getUser, user](client, "GET /users/{id}")
	find = lb.Retry(find, lb.Idempotent())

	found, err := find(context.Background(), getUser{ID: "42"})
	fmt.Println(found.Name, err)
	// Output: Ada <nil>
}
