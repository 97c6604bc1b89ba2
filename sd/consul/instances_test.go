package consul_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// found makes entries like those of other registrants.
func found(node, nodeAddr, id, addr string, port int, change ...func(*api.ServiceEntry)) *api.ServiceEntry {
	e := &api.ServiceEntry{
		Node: &api.Node{Node: node, Address: nodeAddr},
		Service: &api.AgentService{
			ID: id, Service: "web", Address: addr, Port: port, Weights: api.AgentWeights{Passing: 1, Warning: 1},
		},
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func meta(pairs ...string) func(*api.ServiceEntry) {
	return func(e *api.ServiceEntry) {
		e.Service.Meta = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			e.Service.Meta[pairs[i]] = pairs[i+1]
		}
	}
}

func weights(passing, warning int) func(*api.ServiceEntry) {
	return func(e *api.ServiceEntry) {
		e.Service.Weights = api.AgentWeights{Passing: passing, Warning: warning}
	}
}

func checks(states ...string) func(*api.ServiceEntry) {
	return func(e *api.ServiceEntry) {
		for _, s := range states {
			e.Checks = append(e.Checks, &api.HealthCheck{Status: s})
		}
	}
}

func created(index uint64) func(*api.ServiceEntry) {
	return func(e *api.ServiceEntry) { e.Service.CreateIndex = index }
}

// say shows all of an instance but what is not there.
func say(in *sd.Instance) string {
	s := fmt.Sprintf("%s=%s*%d", in.ID, in.Addr, in.Weight)
	if in.Zone != "" {
		s += " in " + in.Zone
	}
	if len(in.Meta) > 0 {
		s += fmt.Sprint(" ", in.Meta)
	}
	return s
}

// first returns the first set of a watch, or the error before it, as texts.
func first(t testing.TB, entries []*api.ServiceEntry, opts ...consul.WatchOption) (set []string, report string) {
	t.Helper()
	body, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for instances, err := range instancer(t, handler(newCatalog(string(body)).serve), opts...).Watch(ctx) {
		if err != nil {
			if !errors.Is(err, consul.ErrMalformed) {
				t.Errorf("the watch yields %v; want ErrMalformed", err)
			}
			report = err.Error()
			continue
		}
		for _, in := range instances {
			set = append(set, say(in))
		}
		break
	}
	return set, report
}

func TestInstances(t *testing.T) {
	tests := map[string]struct {
		entries []*api.ServiceEntry
		opts    []consul.WatchOption
		want    []string
	}{
		"the service's address": {entries: []*api.ServiceEntry{found("n1", "192.0.2.1", "a", "192.0.2.7", 80)},
			want: []string{"a=192.0.2.7:80*1"}},
		"and else the node's": {entries: []*api.ServiceEntry{found("n1", "192.0.2.1", "a", "", 80)},
			want: []string{"a=192.0.2.1:80*1"}},
		"IPv6": {entries: []*api.ServiceEntry{
			found("n1", "2001:db8::1", "a", "", 80), found("n1", "", "b", "2001:db8::2", 80), found("n1", "", "c", "[2001:db8::3]", 80)},
			want: []string{"a=[2001:db8::1]:80*1", "b=[2001:db8::2]:80*1", "c=[2001:db8::3]:80*1"}},
		"weight, zone and meta": {entries: []*api.ServiceEntry{
			found("n1", "", "a", "h", 80, weights(7, 1), meta("zone", "z1", "version", "2"))},
			want: []string{"a=h:80*7 in z1 map[version:2]"}},
		"locality": {entries: []*api.ServiceEntry{
			found("n1", "", "a", "h", 80, func(e *api.ServiceEntry) { e.Service.Locality = &api.Locality{Zone: "z1"} }),
			found("n1", "", "b", "h", 81, func(e *api.ServiceEntry) { e.Node.Locality = &api.Locality{Zone: "z2"} })},
			want: []string{"a=h:80*1 in z1", "b=h:81*1 in z2"}},
		"several ports": {entries: []*api.ServiceEntry{
			found("n1", "", "a", "h", 0, func(e *api.ServiceEntry) {
				e.Service.Ports = api.ServicePorts{{Name: "admin", Port: 9}, {Name: "http", Port: 80, Default: true}}
			})}, want: []string{"a=h:80*1"}},
		"no node": {entries: []*api.ServiceEntry{found("", "", "a", "h", 80, func(e *api.ServiceEntry) { e.Node = nil })},
			want: []string{"a=h:80*1"}},
		"an ID that nobody chose is each node's": {entries: []*api.ServiceEntry{
			found("n1", "192.0.2.1", "web", "", 80), found("n2", "192.0.2.2", "web", "", 80), found("n3", "192.0.2.3", "", "", 80)},
			want: []string{"web@n1=192.0.2.1:80*1", "web@n2=192.0.2.2:80*1", "web@n3=192.0.2.3:80*1"}},
		"an ID that several nodes have": {entries: []*api.ServiceEntry{
			found("n1", "192.0.2.1", "x", "", 80), found("n2", "192.0.2.2", "x", "", 80), found("n2", "192.0.2.2", "y", "", 81)},
			want: []string{"x@n1=192.0.2.1:80*1", "x@n2=192.0.2.2:80*1", "y=192.0.2.2:81*1"}},
		"an ID that one of ours has": {entries: []*api.ServiceEntry{
			found("n1", "", "x", "h", 80), found("n1", "", "web:x:1", "h", 81, meta(consul.MetaID, "x"))},
			want: []string{"x=h:81*1", "x@n1=h:80*1"}},
		"of ours the last that began": {entries: []*api.ServiceEntry{
			found("n1", "", "web:x:1", "old", 80, meta(consul.MetaID, "x", consul.MetaSince, "2026-01-01T00:00:00.000000009Z"), created(99)),
			found("n2", "", "web:x:2", "new", 80, meta(consul.MetaID, "x", consul.MetaSince, "2026-01-01T00:00:00.000000010Z"), created(10)),
			found("n3", "", "web:x:3", "older", 80, meta(consul.MetaID, "x", consul.MetaSince, "2025-12-31T23:59:59.999999999Z"), created(98))},
			want: []string{"x=new:80*1"}},
		"warning": {opts: []consul.WatchOption{consul.WatchWarning()}, entries: []*api.ServiceEntry{
			found("n1", "", "a", "h", 80, weights(9, 3), checks("passing", "warning")),
			found("n1", "", "b", "h", 81, weights(9, 3), checks("passing")),
			found("n1", "", "c", "h", 82, weights(9, 3), checks("warning", "critical")),
			found("n1", "", "d", "h", 83, weights(9, 3)),
			found("n1", "", "e", "h", 84, func(e *api.ServiceEntry) {
				e.Checks = api.HealthChecks{{CheckID: api.NodeMaint, Status: "critical"}}
			})},
			want: []string{"a=h:80*3", "b=h:81*9", "d=h:83*9"}},
		"any health": {opts: []consul.WatchOption{consul.WatchAnyHealth()}, entries: []*api.ServiceEntry{
			found("n1", "", "a", "h", 80, checks("passing", "warning"), meta("k", "v")),
			found("n1", "", "b", "h", 81, checks("critical"))},
			want: []string{"a=h:80*1 map[consul-status:warning k:v]", "b=h:81*1 map[consul-status:critical]"}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			set, report := first(t, c.entries, c.opts...)
			if report != "" || strings.Join(set, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("it finds %q and reports %q; want %q", set, report, c.want)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	good := found("n1", "", "good", "h", 80)
	tests := map[string]struct {
		bad  *api.ServiceEntry
		want string
	}{
		"nothing":           {nil, "empty"},
		"no service":        {&api.ServiceEntry{Node: &api.Node{Node: "n1"}}, "empty"},
		"no port":           {found("n1", "", "bad", "h", 0), "no port from 1 to 65535"},
		"a port too far":    {found("n1", "", "bad", "h", 65536), "no port from 1 to 65535"},
		"no address":        {found("n1", "", "bad", "", 80), "no valid host"},
		"a space":           {found("n1", "", "bad", "a b", 80), "no valid host"},
		"unspecified":       {found("n1", "", "bad", "0.0.0.0", 80), "unspecified"},
		"a megabyte ID":     {found("n1", "", strings.Repeat("x", 1<<20), "h", 81), "it has 1048577 bytes"},
		"a megabyte host":   {found("n1", "", "bad", strings.Repeat("x", 1<<20), 81), "it has 1048579 bytes"},
		"a megabyte of key": {found("n1", "", "bad", "h", 81, meta(strings.Repeat("k", 1<<20), "v")), "it has 1048581 bytes"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			set, report := first(t, []*api.ServiceEntry{c.bad, good})
			if strings.Join(set, " ") != "good=h:80*1" {
				t.Errorf("it finds %q; want the good one", set)
			}
			if !strings.Contains(report, "1 malformed") || !strings.Contains(report, c.want) || len(report) > 1000 {
				t.Errorf("it reports %.2000q; want one malformed entry, %q, in a short text", report, c.want)
			}
		})
	}
}

// TestMalformedIsReportedOnce: by an error before the set that lacks it.
func TestMalformedIsReportedOnce(t *testing.T) {
	good, bad := entry("good", "h", "80"), func(n int) string { return entry(fmt.Sprint("bad-", n), "h", "0") }
	many := []string{good}
	for n := range 30 {
		many = append(many, bad(n))
	}
	steps := []struct {
		body string
		want string // what is yielded: the number of malformed that an error names, or the set
	}{
		{list(good, bad(1)), "1 {good}"},
		{list(bad(1), good), ""},
		{list(good, bad(1), bad(2)), "1 {good}"},
		{list(good), ""},
		{list(good, bad(2)), "1 {good}"},
		{list(many...), "10 {good}"},
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		agent := newCatalog("[]")
		events := watch(ctx, instancer(t, handler(agent.serve)))
		<-events
		for n, step := range steps {
			agent.set(uint64(11+n), step.body, nil)
			time.Sleep(2 * time.Second)
			var got []string
			for len(events) > 0 {
				text := show(<-events)
				if count := strings.Count(text, "bad-"); count > 0 {
					text = fmt.Sprint(count)
				}
				got = append(got, text)
			}
			if strings.Join(got, " ") != step.want {
				t.Errorf("step %d yields %q; want %q", n+1, got, step.want)
			}
		}
	})
}

func TestPointersAreKept(t *testing.T) {
	a, b := entry("a", "h", "80"), entry("b", "h", "81")
	agent := newCatalog(list(a, b))
	var before []*sd.Instance
	for set := range instancer(t, handler(agent.serve)).Watch(t.Context()) {
		if before == nil {
			before = set
			agent.set(11, list(entry("c", "h", "82"), b, entry("a", "h", "99")), nil)
			continue
		}
		if ids(set) != "a b c" || set[0] == before[0] || set[1] != before[1] {
			t.Errorf("of {a b} only b stayed as it was; the sets are %p and %p", before, set)
		}
		break
	}
}
