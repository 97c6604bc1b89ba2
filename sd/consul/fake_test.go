package consul_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// handler stands in for the network and an agent, where a real one cannot be made to
// do a thing at will, or where time must be counted.
type handler func(*http.Request) (*http.Response, error)

// RoundTrip answers the little question by itself, but for a raw one: that it does not
// know.
func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	if little(r) {
		return answer(200, "[]", index(1))
	}
	return h(r)
}

// little reports that a request is the question whether the agent is there and what
// the index of the service is.
func little(r *http.Request) bool { return r.URL.Query().Get("tag") == "dowel-nobody" }

// raw is a handler that gets every request.
type raw func(*http.Request) (*http.Response, error)

func (h raw) RoundTrip(r *http.Request) (*http.Response, error) { return h(r) }

func client(t testing.TB, h http.RoundTripper) *api.Client {
	t.Helper()
	client, err := api.NewClient(&api.Config{Address: "consul.example", HttpClient: &http.Client{Transport: h}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// answer is a response with headers given as "Name: value".
func answer(status int, body string, headers ...string) (*http.Response, error) {
	// Without the first the client leaves the other headers unread.
	r := &http.Response{StatusCode: status, Header: http.Header{"X-Consul-Lastcontact": {"0"}}, Body: io.NopCloser(strings.NewReader(body))}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r, nil
}

func index(n uint64) string { return "X-Consul-Index: " + strconv.FormatUint(n, 10) }

const hasLeader = "X-Consul-KnownLeader: true"

// asked is a query as it arrived.
type asked struct {
	at    time.Time
	query url.Values
}

// catalog answers blocking queries for one service like Consul.
type catalog struct {
	mu      sync.Mutex
	index   uint64
	body    string
	down    error
	queries []asked
	changed chan struct{}
}

func newCatalog(body string) *catalog {
	return &catalog{index: 10, body: body, changed: make(chan struct{})}
}

// set makes a change. It may be that none is seen, as when another service changed.
func (c *catalog) set(index uint64, body string, down error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index, c.body, c.down = index, body, down
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *catalog) all() []asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queries[:len(c.queries):len(c.queries)]
}

// question answers the little question.
func (c *catalog) question() (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return answer(200, "[]", index(c.index), hasLeader)
}

func (c *catalog) serve(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	min, _ := strconv.ParseUint(query.Get("index"), 10, 64)
	wait, _ := time.ParseDuration(query.Get("wait"))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries = append(c.queries, asked{time.Now(), query})
	late := time.NewTimer(wait)
	defer late.Stop()
	for done := false; c.down == nil && min > 0 && c.index <= min && !done; {
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-late.C:
			done = true
		case <-r.Context().Done():
			c.mu.Lock()
			return nil, r.Context().Err()
		}
		c.mu.Lock()
	}
	if c.down != nil {
		return nil, c.down
	}
	return answer(200, c.body, index(c.index), hasLeader)
}

// entry is one element of Consul's answer.
func entry(id, addr, port string) string {
	return `{"Node":{"Node":"n1","Address":"192.0.2.1"},"Service":{"ID":"` + id + `","Service":"web","Address":"` + addr +
		`","Port":` + port + `,"Weights":{"Passing":1,"Warning":1}}}`
}

func list(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

func instancer(t testing.TB, h http.RoundTripper, opts ...consul.WatchOption) *consul.Instancer {
	t.Helper()
	i, err := consul.NewInstancer(client(t, h), "web", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// event is what a watch yields.
type event struct {
	set []*sd.Instance
	err error
}

// watch ranges until the test ends or ctx is done.
func watch(ctx context.Context, i sd.Instancer) <-chan event {
	events := make(chan event, 1000)
	go func() {
		defer close(events)
		for set, err := range i.Watch(ctx) {
			events <- event{set, err}
		}
	}()
	return events
}

func ids(set []*sd.Instance) string {
	var b strings.Builder
	for i, in := range set {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(in.ID)
	}
	return b.String()
}

var errDown = errors.New("connection refused")
