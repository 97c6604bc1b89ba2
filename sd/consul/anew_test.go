package consul_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// lowIndex: an agent that restarts empty counts from 1 again, and a watch must not wait
// for an index far above. A query that waits notices the restart by its connection, and
// one that begins after it does not: half the silence passes until the watch looks, and a
// quarter until it asks anew. TestBegunAnew holds the sum; here there is room for a machine
// that is busy, and less than the wait of a query.
func lowIndex(t *testing.T, server *testserver.Server, o operator, between bool) {
	for range 200 {
		o.plant(t, &api.AgentService{ID: "c", Address: "h", Port: 82})()
	}
	o.plant(t, &api.AgentService{ID: "a", Address: "h", Port: 80})
	_, before, err := o.Health().Service(o.service, "", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i, _ := pair(t, o.Client, o.service, []consul.WatchOption{consul.WatchSilence(5 * time.Second)}, nil)
	events, ask := hesitant(ctx, i)
	sees(t, events, "{a}")
	if !between {
		ask()
		o.plant(t, &api.AgentService{ID: "d", Address: "h", Port: 83})
		sees(t, events, "{a d}")
	}
	server.Kill()
	server.Wipe()
	start(t, server)
	returned := time.Now()
	o.plant(t, &api.AgentService{ID: "b", Address: "h", Port: 81})
	if between {
		ask()
	}
	sees(t, events, "{b}")
	took := time.Since(returned)
	_, after, err := o.Health().Service(o.service, "", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the index was %d and is %d; the truth was seen %v after the return", before.LastIndex, after.LastIndex, took)
	most := 10 * time.Second
	if between {
		most = 40 * time.Second
	}
	if after.LastIndex >= before.LastIndex || took > most {
		t.Errorf("the index was %d and is %d; the truth was seen after %v", before.LastIndex, after.LastIndex, took)
	}
}

// hesitant is watch by somebody who is at work on the first set until ask: so long there
// is no query.
func hesitant(ctx context.Context, i sd.Instancer) (events <-chan event, ask func()) {
	all, asks := make(chan event, 1000), make(chan struct{})
	go func() {
		defer close(all)
		for set, err := range i.Watch(ctx) {
			all <- event{set, err}
			select {
			case <-asks:
			case <-ctx.Done():
			}
		}
	}()
	return all, func() { close(asks) }
}

// TestBegunAnew: the same by the defaults, and often.
func TestBegunAnew(t *testing.T) {
	for range 50 { // there is jitter
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			agent := newCatalog(list(entry("a", "h", "80")))
			w := &wire{agent: agent}
			next, stop := iter.Pull2(instancer(t, w, consul.WatchWait(10*time.Minute)).Watch(ctx))
			defer stop()
			next()
			agent.set(5, list(entry("b", "h", "81")), nil)
			start := time.Now()
			set, err, _ := next()
			if d := time.Since(start); show(event{set, err}) != "{b}" || d > 10*time.Second {
				t.Errorf("after %v it yields %s; want {b} within 10s", d, show(event{set, err}))
			}
			if n := w.queries.Load(); n != 3 {
				t.Errorf("it made %d queries; want 3", n)
			}
		})
	}
}
