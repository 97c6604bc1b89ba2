package consul_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// counting counts queries for the set.
type counting struct {
	http.RoundTripper
	queries atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/v1/health/") {
		c.queries.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// TestThousands measures what a large set costs.
func TestThousands(t *testing.T) {
	t.Parallel()
	const many = 5000
	server := testserver.NewConsul(t)
	o := operator{dial(t, server.Addr()), "web"}
	write := func(from, to, weight int) {
		var ops api.TxnOps
		for n := from; n < to; n++ {
			ops = append(ops, &api.TxnOp{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: "far", Service: api.AgentService{
				ID: fmt.Sprintf("i-%05d", n), Service: o.service, Address: "h.example", Port: 1024 + n,
				Weights: api.AgentWeights{Passing: weight, Warning: 1}, Meta: map[string]string{"version": "1"},
			}}})
			if len(ops) == 64 || n == to-1 {
				if ok, r, _, err := o.Txn().Txn(ops, nil); !ok || err != nil {
					t.Fatal(r, err)
				}
				ops = nil
			}
		}
	}
	// An agent would take what it does not know from its own node.
	if _, err := o.Catalog().Register(&api.CatalogRegistration{Node: "far", Address: "192.0.2.1"}, nil); err != nil {
		t.Fatal(err)
	}
	write(0, many, 1)
	proxy := testserver.NewProxy(t, server.Addr())
	var transport counting
	client := dial(t, proxy.Addr(), func(c *api.Config) {
		transport.RoundTripper = c.Transport
		c.HttpClient = &http.Client{Transport: &transport}
	})
	i, _ := pair(t, client, o.service, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	events := watch(ctx, i)
	// next waits for a set with the last instance of that weight.
	next := func(weight int) []*sd.Instance {
		t.Helper()
		late := time.After(3 * time.Minute)
		for {
			select {
			case e := <-events:
				if e.err != nil {
					t.Log(e.err) // the processors may be busy with other things
				} else if len(e.set) == many && e.set[many-1].Weight == weight {
					return e.set
				}
			case <-late:
				t.Fatal("no set within 3 minutes")
			}
		}
	}
	report := func(what string, before testserver.Traffic, queries int64) {
		t.Helper()
		traffic := proxy.Traffic().Since(before)
		t.Logf("%-28s %8v  %2d queries  %7d kB", what, time.Since(start).Round(time.Millisecond), transport.queries.Load()-queries, traffic.ToClient/1000)
	}
	first := next(1)
	report("first set of 5,000", testserver.Traffic{}, 0)
	time.Sleep(2 * time.Second) // the answer to what was written last is in, and the pace forgotten
	before, queries := proxy.Traffic(), transport.queries.Load()
	start = time.Now()
	write(many-1, many, 9)
	second := next(9)
	report("one change", before, queries)
	kept := 0
	for n := range first {
		if first[n] == second[n] {
			kept++
		}
	}
	if kept != many-1 {
		t.Errorf("%d of %d instances kept their pointers", kept, many)
	}
	time.Sleep(2 * time.Second)
	before, queries = proxy.Traffic(), transport.queries.Load()
	start = time.Now()
	for n := range 100 {
		write(many-1, many, 10+n)
		time.Sleep(50 * time.Millisecond)
	}
	next(109)
	report("one instance flaps 100 times", before, queries)
	if q := transport.queries.Load() - queries; q > 30 {
		t.Errorf("%d queries for 100 changes in 5s", q)
	}
}
