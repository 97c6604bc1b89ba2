package httpkit_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// A call whose time is over before an instance is known was not made at all.
func TestClientTimeIsOverBeforeAnInstanceIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := httpkit.NewRoundTripper(httpkit.Service("s", silent{}, lb.Random()), httpkit.Base(echoes{}))
		defer rt.Close()
		c := dial(t, "http://s", httpkit.HTTPClient(&http.Client{Transport: rt}), httpkit.ClientTimeout(time.Second))
		_, err := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")(t.Context(), clientWord{})
		if endpoint.CodeOf(err) != endpoint.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if !endpoint.IsNotProcessed(err) || !endpoint.IsLocal(err) {
			t.Errorf("it may have been processed: %#v", err)
		}
	})
}

// That nobody is there for the second request of a call says nothing of the first.
func TestClientRedirectToNobody(t *testing.T) {
	var orders atomic.Int64
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		orders.Add(1)
		http.Redirect(w, r, "http://receipts/1", http.StatusSeeOther)
	})
	rt := httpkit.NewRoundTripper(
		httpkit.Service("orders", members(t, base), lb.Random()), httpkit.Service("receipts", members(t), lb.Random()))
	defer rt.Close()
	c := dial(t, "http://orders", httpkit.HTTPClient(&http.Client{Transport: rt}))
	_, err := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")(t.Context(), clientWord{})
	if orders.Load() != 1 || !errors.Is(err, lb.ErrNoInstance) || endpoint.CodeOf(err) != endpoint.Unavailable {
		t.Errorf("%d orders, and %v", orders.Load(), err)
	}
	if endpoint.IsNotProcessed(err) || endpoint.IsLocal(err) {
		t.Errorf("the order is not said to be processed: %#v", err)
	}
}
