package consul_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// step is one answer of a scripted agent: what was asked to get it, what it says, and
// what the watch yields then.
type step struct {
	asks   string // "index consistent stale", as far as they are there
	status int
	body   string
	header []string
	fail   error
	yields string // IDs in braces, "!" and a part of the error, or nothing
}

func TestIndex(t *testing.T) {
	a, b := entry("a", "h", "80"), entry("b", "h", "81")
	tests := map[string]struct {
		opts  []consul.WatchOption
		steps []step
	}{
		"follows the answers": {steps: []step{
			{asks: "consistent", body: list(a), header: []string{index(7)}, yields: "{a}"},
			{asks: "index=7", body: list(a, b), header: []string{index(9)}, yields: "{a b}"},
			{asks: "index=9", body: list(b), header: []string{index(12)}, yields: "{b}"},
			{asks: "index=12"},
		}},
		"begins anew after an error": {steps: []step{
			{asks: "consistent", body: list(a), header: []string{index(7)}, yields: "{a}"},
			{asks: "index=7", fail: errDown, yields: "!connection refused"},
			{asks: "consistent", status: 500, body: "No cluster leader", yields: "!No cluster leader"},
			{asks: "consistent", body: list(a), header: []string{index(3)}, yields: "{a}"},
			{asks: "index=3"},
		}},
		"begins anew when it goes backwards, and believes nothing that came with it": {steps: []step{
			{asks: "consistent", body: list(a), header: []string{index(7)}, yields: "{a}"},
			{asks: "index=7", body: list(), header: []string{index(1)}},
			{asks: "consistent", body: list(a, b), header: []string{index(2)}, yields: "{a b}"},
			{asks: "index=2"},
		}},
		"never asks without an index again": {steps: []step{
			{asks: "consistent", body: list(a), header: []string{index(0)}, yields: "{a}"},
			{asks: "index=1", body: list(a, b), header: []string{index(1)}, yields: "{a b}"},
			{asks: "index=1"},
		}},
		"an answer that is none is an error": {steps: []step{
			{asks: "consistent", body: "<html>", header: []string{index(7)}, yields: "!invalid character"},
			{asks: "consistent", body: `[{"Service"`, header: []string{index(7)}, yields: "!unexpected EOF"},
			{asks: "consistent", body: list(a), header: []string{index(7)}, yields: "{a}"},
		}},
		"what a token may not see is not empty": {steps: []step{
			{asks: "consistent", body: list(a), header: []string{index(7)}, yields: "{a}"},
			{asks: "index=7", body: list(), header: []string{index(9), "X-Consul-Results-Filtered-By-ACLs: true"}, yields: "!may not see"},
			{asks: "consistent", body: list(), header: []string{index(9)}, yields: "{}"},
		}},
		"a stale answer without a leader may be of any age": {opts: []consul.WatchOption{consul.WatchStale()}, steps: []step{
			{asks: "stale", body: list(a), header: []string{index(7), hasLeader}, yields: "{a}"},
			{asks: "index=7 stale", body: list(), header: []string{index(9)}, yields: "!no leader"},
			{asks: "stale", body: list(a), header: []string{index(9), hasLeader}, yields: "{a}"},
			{asks: "index=9 stale", body: list(a, b), header: []string{index(10), "X-Consul-Query-Backend: streaming"}, yields: "{a b}"},
		}},
		"refused credentials are an error as often as they are tried": {steps: []step{
			{asks: "consistent", status: 403, body: "ACL not found", yields: "!ACL not found"},
			{asks: "consistent", status: 403, body: "ACL not found", yields: "!ACL not found"},
		}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, c.opts, c.steps) })
		})
	}
}

// play answers with one step after the other, and compares.
func play(t *testing.T, opts []consul.WatchOption, steps []step) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	var want []string
	h := handler(func(r *http.Request) (*http.Response, error) {
		if n == len(steps) || steps[n].body == "" && steps[n].fail == nil {
			if n < len(steps) && asks(r) != steps[n].asks {
				t.Errorf("step %d: it asks %q; want %q", n+1, asks(r), steps[n].asks)
			}
			n = len(steps)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		s := steps[n]
		n++
		if got := asks(r); got != s.asks {
			t.Errorf("step %d: it asks %q; want %q", n, got, s.asks)
		}
		if s.yields != "" {
			want = append(want, s.yields)
		}
		if s.fail != nil {
			return nil, s.fail
		}
		return answer(max(200, s.status), s.body, s.header...)
	})
	events := watch(ctx, instancer(t, h, opts...))
	time.Sleep(14 * time.Second)
	cancel()
	var got []string
	for e := range events {
		got = append(got, show(e))
	}
	if n != len(steps) || len(got) != len(want) {
		t.Fatalf("after %d of %d steps it yielded %q; want %q", n, len(steps), got, want)
	}
	for i, g := range got {
		if part, isErr := strings.CutPrefix(want[i], "!"); g != want[i] && (!isErr || !strings.Contains(g, part)) {
			t.Errorf("it yields %q; want %q", g, want[i])
		}
	}
}

func show(e event) string {
	if e.err != nil {
		return "!" + e.err.Error()
	}
	return "{" + ids(e.set) + "}"
}

func asks(r *http.Request) string {
	q := r.URL.Query()
	var parts []string
	if i := q.Get("index"); i != "" {
		parts = append(parts, "index="+i)
	}
	for _, flag := range []string{"consistent", "stale"} {
		if q.Has(flag) {
			parts = append(parts, flag)
		}
	}
	return strings.Join(parts, " ")
}

func TestWatchOptionsReachConsul(t *testing.T) {
	tests := []struct {
		opts []consul.WatchOption
		want string
	}{
		{nil, "consistent= passing=1"},
		{[]consul.WatchOption{consul.WatchWarning()}, "consistent="},
		{[]consul.WatchOption{consul.WatchAnyHealth(), consul.WatchWarning()}, "consistent="},
		{[]consul.WatchOption{consul.WatchStale()}, "passing=1 stale="},
		{[]consul.WatchOption{consul.WatchDatacenter("dc2")}, "consistent= dc=dc2 passing=1"},
		{[]consul.WatchOption{consul.WatchTags("x", "y"), consul.WatchTags("z")}, "consistent= passing=1 tag=x,y,z"},
		{[]consul.WatchOption{consul.WatchFilter(`Service.Meta.v == "2"`)}, `consistent= filter=Service.Meta.v == "2" passing=1`},
	}
	for _, c := range tests {
		var got, path string
		i := instancer(t, handler(func(r *http.Request) (*http.Response, error) {
			path = r.URL.Path
			var parts []string
			for _, key := range []string{"consistent", "dc", "filter", "passing", "stale", "tag"} {
				if v, ok := r.URL.Query()[key]; ok {
					parts = append(parts, key+"="+strings.Join(v, ","))
				}
			}
			got = strings.Join(parts, " ")
			return answer(200, "[]", index(1), hasLeader)
		}), c.opts...)
		for range i.Watch(t.Context()) {
			break
		}
		if got != c.want || path != "/v1/health/service/web" {
			t.Errorf("it asks %s for %q; want %q", path, got, c.want)
		}
	}
}

// TestLateAnswer: a query that is held back for longer than it should be is an error,
// and each wait is a little different from the next.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		waits := map[string]bool{}
		answers := 0
		h := handler(func(r *http.Request) (*http.Response, error) {
			if wait := r.URL.Query().Get("wait"); wait != "" {
				waits[wait] = true
				if d, err := time.ParseDuration(wait); err != nil || d > 16*time.Second || d < 14*time.Second {
					t.Errorf("the wait is %s; want 14s to 16s", wait)
				}
			}
			if answers++; answers <= 20 {
				return answer(200, "[]", index(uint64(answers)))
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		events := watch(ctx, instancer(t, h, consul.WatchWait(16*time.Second)))
		if e := <-events; e.err != nil {
			t.Fatal(e.err)
		}
		start := time.Now()
		if e := <-events; e.err == nil || !strings.Contains(e.err.Error(), "no answer within 32s") {
			t.Errorf("it yields %s", show(e))
		}
		if d := time.Since(start); d < 30*time.Second || d > 50*time.Second {
			t.Errorf("that is told after %v", d)
		}
		if len(waits) < 10 {
			t.Errorf("of 20 waits %d differ", len(waits))
		}
	})
}

// TestWatchEnds: cancellation and break end a watch wherever it is, and a deadline is
// no failure of Consul's.
func TestWatchEnds(t *testing.T) {
	tests := map[string]handler{
		"in a query":     func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"in the backoff": func(*http.Request) (*http.Response, error) { return nil, errDown },
		"in the pace": func() handler {
			n := 0
			return func(*http.Request) (*http.Response, error) {
				n++
				return answer(200, list(entry(fmt.Sprint(n), "h", "80")), index(uint64(n)))
			}
		}(),
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := instancer(t, h, consul.WatchPace(time.Hour), consul.WatchBackoff(sd.Backoff{Base: time.Hour, Cap: time.Hour}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				for _, err := range i.Watch(ctx) {
					if errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the end of the context is yielded: %v", err)
					}
				}
				if d := time.Since(start); d != time.Second {
					t.Errorf("the watch ends after %v; want 1s", d)
				}
			})
		})
	}
}

func TestErrorIsConsuls(t *testing.T) {
	i := instancer(t, handler(func(*http.Request) (*http.Response, error) { return answer(403, "Permission denied") }))
	for _, err := range i.Watch(t.Context()) {
		if e, ok := errors.AsType[api.StatusError](err); !ok || e.Code != 403 || !strings.Contains(err.Error(), "service web") {
			t.Errorf("the error is %v; want one of the service and with Consul's status", err)
		}
		break
	}
}
