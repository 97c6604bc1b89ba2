package lb_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type word struct {
	Text string `json:"text"`
}

type wordEndpoint = endpoint.Endpoint[word, word]

// over serves e over HTTP and returns the endpoint that calls it.
func over(t *testing.T, e wordEndpoint) wordEndpoint {
	t.Helper()
	server := httptest.NewServer(httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON))
	t.Cleanup(server.Close)
	client, err := httpkit.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return httpkit.NewEndpoint[word, word](client, "POST /")
}

// marks notes the retry mark of each call that arrives.
type marks struct {
	sync.Mutex
	list []int
}

func (m *marks) add(ctx context.Context) int {
	m.Lock()
	defer m.Unlock()
	m.list = append(m.list, call.From(ctx).Inherited())
	return len(m.list)
}

var soon = lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1})

// A caller, a server in the middle and one behind it, of which the first two retry:
// what the caller tries again, the middle does not.
func TestRetryMarkStopsTheNextHop(t *testing.T) {
	var middle, behind marks
	backend := over(t, func(ctx context.Context, _ word) (word, error) {
		behind.add(ctx)
		return word{}, &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Reason: "DRAINING"}
	})
	retried := lb.Retry(backend, lb.Idempotent(), lb.MaxAttempts(2), soon)
	front := over(t, func(ctx context.Context, w word) (word, error) {
		middle.add(ctx)
		return retried(ctx, w)
	})
	_, err := lb.Retry(front, lb.Idempotent(), lb.MaxAttempts(3), soon)(t.Context(), word{})
	if e, ok := endpoint.CodeOf(err), endpoint.IsNotProcessed(err); e != endpoint.Unavailable || ok {
		t.Errorf("error is %v, not processed: %v", err, ok)
	}
	if !slices.Equal(middle.list, []int{0, 1, 2}) {
		t.Errorf("the middle got marks %v", middle.list)
	}
	// Of the first call its own two attempts, of the others one each.
	if !slices.Equal(behind.list, []int{0, 1, 1, 2}) {
		t.Errorf("the server behind got marks %v", behind.list)
	}
}

// A second attempt of Hedge is a retry for the next hop as well: it neither retries
// nor hedges.
func TestHedgeMarkStopsTheNextHop(t *testing.T) {
	var behind marks
	backend := over(t, func(ctx context.Context, _ word) (word, error) {
		if behind.add(ctx) == 1 {
			<-ctx.Done() // the first hangs until it is canceled
			return word{}, ctx.Err()
		}
		return word{}, &endpoint.Error{Code: endpoint.NotFound, Reason: "NO_WORD"}
	})
	var middle marks
	hedged := lb.Hedge(backend, lb.HedgeAfter(time.Hour))
	retried := lb.Retry(hedged, lb.Idempotent(), soon)
	front := over(t, func(ctx context.Context, w word) (word, error) {
		middle.add(ctx)
		return retried(ctx, w)
	})
	start := time.Now()
	_, err := lb.Hedge(front, lb.HedgeAfter(50*time.Millisecond))(t.Context(), word{})
	if endpoint.CodeOf(err) != endpoint.NotFound || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	slices.Sort(middle.list) // the second may arrive first
	slices.Sort(behind.list)
	if !slices.Equal(middle.list, []int{0, 1}) || !slices.Equal(behind.list, []int{0, 1}) {
		t.Errorf("marks are %v and %v", middle.list, behind.list)
	}
}

// The server's retry-after crosses the wire and is obeyed: the deadline comes before
// it, so that there is no second attempt and no waiting for it.
func TestRetryAfterOverTheWire(t *testing.T) {
	var calls marks
	busy := over(t, func(ctx context.Context, _ word) (word, error) {
		calls.add(ctx)
		return word{}, &endpoint.Error{Code: endpoint.ResourceExhausted, RetryAfter: time.Hour, NotProcessed: true}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := time.Now()
	_, err := lb.Retry(busy, lb.Idempotent(), soon)(ctx, word{})
	if len(calls.list) != 1 || endpoint.RetryAfter(err) != time.Hour || time.Since(start) > 20*time.Second {
		t.Errorf("%d calls, %v after %v", len(calls.list), err, time.Since(start))
	}
}
