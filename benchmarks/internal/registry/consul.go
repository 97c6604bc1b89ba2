package registry

import (
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	kitconsul "github.com/go-kit/kit/sd/consul"
	kitlog "github.com/go-kit/log"
	"github.com/hashicorp/consul/api"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd/consul"
)

// Consul is a [Registry].
type Consul struct {
	*testserver.Server
	client *api.Client // not counted
	sent   atomic.Int64
}

// NewConsul starts a server that ends with the test.
func NewConsul(t testing.TB) *Consul {
	t.Helper()
	r := &Consul{Server: testserver.NewConsul(t)}
	r.client = dialConsul(t, r.Addr(), nil)
	return r
}

// dialConsul returns a client whose requests are counted.
func dialConsul(t testing.TB, addr string, count *atomic.Int64) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = addr
	t.Cleanup(config.Transport.CloseIdleConnections)
	if count != nil {
		config.HttpClient = &http.Client{Transport: counting{config.Transport, count}}
	}
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type counting struct {
	http.RoundTripper
	count *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// node has the services. The agent removes from its own what it was not told of.
const node = "elsewhere"

func (r *Consul) commit(t testing.TB, ops ...*api.TxnOp) {
	t.Helper()
	ok, answer, _, err := r.client.Txn().Txn(ops, nil)
	if err != nil || !ok {
		t.Fatalf("transaction: %+v, %v", answer, err)
	}
}

// Fill does what Registry says.
func (r *Consul) Fill(t testing.TB, service string, n int) {
	t.Helper()
	const most = 64 // operations in a transaction
	ops := []*api.TxnOp{{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: api.Node{Node: node, Address: "192.0.2.1"}}}}
	for i := range n {
		ops = append(ops, set(service, i, address(i)))
		if len(ops) == most || i == n-1 {
			r.commit(t, ops...)
			ops = nil
		}
	}
}

func set(service string, number int, addr string) *api.TxnOp {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return &api.TxnOp{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: node, Service: api.AgentService{
		Service: service, ID: service + key(number), Address: host, Port: n,
	}}}
}

// Set does what Registry says.
func (r *Consul) Set(t testing.TB, service string, number int, addr string) {
	t.Helper()
	r.commit(t, set(service, number, addr))
}

// Remove does what Registry says.
func (r *Consul) Remove(t testing.TB, service string, number int) {
	t.Helper()
	op := set(service, number, address(number))
	op.Service.Verb = api.ServiceDelete
	r.commit(t, op)
}

// Requests returns the requests that the watchers have made.
func (r *Consul) Requests(testing.TB) int64 { return r.sent.Load() }

// Dowel is a [Watcher].
func (r *Consul) Dowel(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	instancer, err := consul.NewInstancer(dialConsul(t, addr, &r.sent), service)
	if err != nil {
		t.Fatal(err)
	}
	return watchDowel(t, instancer)
}

// Kit is a [Watcher].
func (r *Consul) Kit(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	client := kitconsul.NewClient(dialConsul(t, addr, &r.sent))
	return watchKit(t, kitconsul.NewInstancer(client, kitlog.NewNopLogger(), service, nil, true))
}
