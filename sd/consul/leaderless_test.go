package consul_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// TestIndexOfOne: a server that lost its data, and waits for others before there can be
// a leader, answers a query that waits with an index of exactly 1 and an empty list. It
// lets one without an index wait for the leader. So who meets the 1 is a watch that held
// an index from before, between two queries. It must not believe the list.
func TestIndexOfOne(t *testing.T) {
	t.Parallel()
	servers := testserver.NewConsulEnsemble(t, 2)
	agent := servers.Nodes[0]
	o := operator{dial(t, agent.Addr()), "web"}
	_, r := pair(t, o.Client, o.service, nil, []consul.RegisterOption{consul.RegisterTTL(ttl)})
	registration, err := r.Register(t.Context(), sd.Instance{ID: "a", Addr: "h.example:80"})
	if err != nil {
		t.Fatal(err)
	}
	o.knows(t, "{a}")
	o.knows(t, "{a}", consul.WatchStale())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watchers := map[string]*watcher{
		"consistent": newWatcher(ctx, t, agent.Addr()),
		"stale":      newWatcher(ctx, t, agent.Addr(), consul.WatchStale()),
	}
	for anew, w := range watchers {
		if asks := w.hears(t); asks != anew {
			t.Fatalf("%s: the first query asks %q", anew, asks)
		}
		w.index = w.hears(t)
		sees(t, w.events, "{a}")
	}
	servers.Kill()
	servers.Wipe()
	agent.Spawn()
	o.hasNoLeader(t)
	for _, w := range watchers {
		w.goOn()
	}
	for anew, w := range watchers {
		asks, gets, then := w.hears(t), w.hears(t), w.hears(t)
		t.Logf("%s: it asks %q, gets %q and asks %q", anew, asks, gets, then)
		if !strings.HasPrefix(asks, "index="+w.index) || len(w.index) < 2 || gets != "1" || then != anew {
			t.Errorf("%s: it asks %q, gets %q and asks %q; want an index above 1, the index 1, and to ask anew", anew, asks, gets, then)
		}
		if len(w.events) > 0 {
			t.Errorf("%s: it yields %s because of that", anew, show(<-w.events))
		}
	}
	o.hasNoLeader(t)
	start := time.Now()
	servers.Start()
	t.Logf("there is a leader after %v", time.Since(start))
	o.plant(t, &api.AgentService{ID: "b", Address: "h", Port: 81}) // a is back by itself
	for anew, w := range watchers {
		sees(t, w.events, "{a b}")
		t.Logf("%s: it sees the truth after %v", anew, time.Since(start))
	}
	in := registration.Instance()
	in.Weight = 7
	if err := registration.Update(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, w := range watchers {
		w.weighs(t, "a", 7)
	}
	if err := registration.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, w := range watchers {
		sees(t, w.events, "{b}")
	}
}

// watcher is a watch by somebody who is at work on the first set until goOn.
type watcher struct {
	http.RoundTripper
	told   chan string // what its queries ask, each followed by the index of the answer
	index  string
	events <-chan event
	goOn   func()
}

func newWatcher(ctx context.Context, t *testing.T, addr string, opts ...consul.WatchOption) *watcher {
	w := &watcher{told: make(chan string, 1000)}
	client := dial(t, addr, func(c *api.Config) {
		w.RoundTripper = c.Transport
		c.HttpClient = &http.Client{Transport: w}
	})
	i, _ := pair(t, client, "web", append(opts, consul.WatchWait(time.Second)), nil)
	w.events, w.goOn = hesitant(ctx, i)
	return w
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if little(r) {
		return w.RoundTripper.RoundTrip(r)
	}
	w.told <- asks(r)
	response, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		w.told <- err.Error()
		return nil, err
	}
	w.told <- response.Header.Get("X-Consul-Index")
	return response, nil
}

func (w *watcher) hears(t *testing.T) string {
	t.Helper()
	select {
	case told := <-w.told:
		return told
	case <-time.After(time.Minute):
		t.Fatal("nothing is asked or answered")
		return ""
	}
}

// weighs reads events until the instance has that weight.
func (w *watcher) weighs(t *testing.T, id string, weight int) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case e := <-w.events:
			if slices.ContainsFunc(e.set, func(in *sd.Instance) bool { return in.ID == id && in.Weight == weight }) {
				return
			}
		case <-late:
			t.Fatalf("%s never weighs %d", id, weight)
		}
	}
}

// knows returns once a watch begins with that set.
func (o operator) knows(t *testing.T, want string, opts ...consul.WatchOption) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i, _ := pair(t, o.Client, o.service, opts, nil)
	sees(t, watch(ctx, i), want)
}

// hasNoLeader returns once the agent answers a query that waits, and fails if it has a
// leader.
func (o operator) hasNoLeader(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		leader, err := o.Status().Leader()
		if leader != "" {
			t.Fatalf("the leader is %s", leader)
		}
		if err == nil {
			waiting := &api.QueryOptions{WaitIndex: 1 << 20, WaitTime: 10 * time.Millisecond}
			if _, _, err = o.Health().Service(o.service, "", true, waiting); err == nil {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
