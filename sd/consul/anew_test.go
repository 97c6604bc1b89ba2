package consul_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
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
	server.Start()
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
			if err != nil {
				continue
			}
			select {
			case <-asks:
			case <-ctx.Done():
			}
		}
	}()
	return all, func() { close(asks) }
}

// TestBegunAnew: the same by the defaults, and often. The agent may even get to the index
// at which the watch began, if that was two changes ago.
func TestBegunAnew(t *testing.T) {
	for n := range 100 { // there is jitter
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			agent := newCatalog(list(entry("a", "h", "80")))
			w := &wire{agent: agent}
			next, stop := iter.Pull2(instancer(t, w, consul.WatchWait(10*time.Minute)).Watch(ctx))
			defer stop()
			next()
			begun, queries := uint64(5), 3
			if n%2 == 1 {
				agent.set(20, list(), nil)
				next()
				agent.set(30, list(entry("c", "h", "82")), nil)
				next()
				begun, queries = 10, 5
			}
			agent.set(begun, list(entry("b", "h", "81")), nil)
			start := time.Now()
			set, err, _ := next()
			if d := time.Since(start); show(event{set, err}) != "{b}" || d > 10*time.Second {
				t.Errorf("after %v it yields %s; want {b} within 10s", d, show(event{set, err}))
			}
			if got := w.queries.Load(); got != int64(queries) {
				t.Errorf("it made %d queries; want %d", got, queries)
			}
		})
	}
}

// TestLowerIndexThatIsNone: what the little question tells is not always comparable with
// what the query got. After a change of name Consul tells the watch of the old name a
// higher index than who asks without waiting, for good; and the question may reach a
// server that lags behind. Neither makes a watch ask anew again and again.
func TestLowerIndexThatIsNone(t *testing.T) {
	const early, late = 21, 22
	for name, c := range map[string]struct{ leader, follower uint64 }{
		"another name":         {early, early},
		"a server that lags":   {late, early},
		"one that has no idea": {0, early},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				// The stream, and what is asked anew, of whichever server.
				stream := newCatalog(list(entry("new", "h", "80")))
				stream.set(late, stream.body, nil)
				anew := 0
				events := watch(ctx, instancer(t, raw(func(r *http.Request) (*http.Response, error) {
					stale := r.URL.Query().Has("stale")
					switch {
					case little(r) && stale:
						return answer(200, "[]", index(c.follower), hasLeader)
					case little(r):
						return answer(200, "[]", index(c.leader), hasLeader)
					case r.URL.Query().Has("index"):
						return stream.serve(r)
					}
					if anew++; anew == 1 {
						return answer(200, stream.body, index(1), hasLeader)
					}
					return answer(200, list(entry("old", "h", "80")), index(early), hasLeader)
				}), consul.WatchStale()))
				var sets []string
				for e := range events {
					sets = append(sets, show(e))
				}
				most, want := 1, "[{new}]"
				if c.leader == early { // who may have lost its data, until it is asked
					most, want = 2, "[{new} {old} {new}]"
				}
				if got := fmt.Sprint(sets); anew > most || got != want {
					t.Errorf("it asks anew %d times and yields %s; want at most %d and %s", anew, got, most, want)
				}
				if n := len(stream.all()); n > 75 {
					t.Errorf("it waits %d times in an hour; want once a minute", n)
				}
			})
		})
	}
}
