package dns_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/dns"
)

// The names are absolute, so that no search domain of the machine comes in.
const (
	service = "_http._tcp.web.test."
	host    = "web.test."
)

func srv(priority, weight, port uint16, target string) testserver.SRV {
	return testserver.SRV{Priority: priority, Weight: weight, Port: port, Target: target}
}

// look returns the first thing that a watch yields, as text.
func look(t *testing.T, in sd.Instancer) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for set, err := range in.Watch(ctx) {
		return text(set, err)
	}
	return "nothing"
}

func text(set []*sd.Instance, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var words []string
	for _, in := range set {
		word := in.Addr
		if in.Weight > 0 {
			word += fmt.Sprint("*", in.Weight)
		}
		if p, ok := in.Meta[dns.MetaPriority]; ok {
			word += "/" + p
		}
		words = append(words, word)
	}
	return "[" + strings.Join(words, " ") + "]"
}

func must(t *testing.T) func(*dns.Instancer, error) sd.Instancer {
	return func(in *dns.Instancer, err error) sd.Instancer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
}

func TestSRVFromServer(t *testing.T) {
	many := make([]testserver.Record, 200)
	for i := range many {
		many[i] = srv(0, 1, uint16(i+1), "a.web.test.")
	}
	tests := map[string]struct {
		records []testserver.Record
		opts    []dns.Option
		want    string
	}{
		"the most preferred with port and weight": {
			records: []testserver.Record{
				srv(20, 5, 80, "c.test."), srv(10, 60, 8080, "b.test."), srv(10, 40, 8081, "a.test."),
			},
			want: "[a.test:8081*40 b.test:8080*60]",
		},
		"all priorities": {
			records: []testserver.Record{srv(20, 5, 80, "c.test."), srv(10, 60, 8080, "b.test.")},
			opts:    []dns.Option{dns.AllPriorities()},
			want:    "[b.test:8080*60/10 c.test:80*5/20]",
		},
		"weight 0 is the smallest": {
			records: []testserver.Record{srv(0, 0, 80, "a.test."), srv(0, 65535, 80, "b.test.")},
			want:    "[a.test:80*1 b.test:80*65535]",
		},
		"port 0 is skipped, and its priority with it": {
			records: []testserver.Record{srv(1, 1, 0, "a.test."), srv(2, 1, 80, "b.test."), srv(3, 1, 80, "c.test.")},
			want:    "[b.test:80*1]",
		},
		"nothing but port 0": {
			records: []testserver.Record{srv(1, 1, 0, "a.test.")},
			want:    "error: dns: the answer for " + service + " has no usable record among 1",
		},
		"a malformed target is skipped": {
			records: []testserver.Record{srv(1, 1, 80, "not a name.test."), srv(1, 1, 80, "b.test.")},
			want:    "[b.test:80*1]",
		},
		"not here":              {records: []testserver.Record{srv(0, 0, 0, ".")}, want: "[]"},
		"not here, and yet":     {records: []testserver.Record{srv(0, 0, 9, "."), srv(1, 1, 80, "a.test.")}, want: "[a.test:80*1]"},
		"case does not matter":  {records: []testserver.Record{srv(0, 1, 80, "A.Test."), srv(0, 1, 80, "a.test.")}, want: "[a.test:80*1]"},
		"the name has no data":  {records: []testserver.Record{}, want: "[]"},
		"the name is not there": {records: nil, want: "[]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewDNS(t)
			if tt.records != nil {
				s.Set(service, tt.records...)
			}
			in := must(t)(dns.NewInstancer(service, append(tt.opts, dns.WithResolver(s.Resolver()))...))
			if got := look(t, in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("a truncated answer is fetched over TCP", func(t *testing.T) {
		t.Parallel()
		s := testserver.NewDNS(t)
		s.Set(service, many...)
		in := must(t)(dns.NewInstancer(service, dns.WithResolver(s.Resolver())))
		if got := look(t, in); strings.Count(got, ":") != len(many) || s.Queries("tcp") != 1 {
			t.Errorf("got %s after %d questions over TCP", got, s.Queries("tcp"))
		}
	})
}

func TestHostFromServer(t *testing.T) {
	tests := map[string]struct {
		records   []testserver.Record
		behaviour testserver.Behaviour // for AAAA
		network   string
		want      string
	}{
		"both families":        {testserver.Addrs("192.0.2.7", "2001:db8::1", "192.0.2.1"), 0, "ip", "[192.0.2.1:80 192.0.2.7:80 [2001:db8::1]:80]"},
		"IPv4 only":            {testserver.Addrs("192.0.2.1", "2001:db8::1"), 0, "ip4", "[192.0.2.1:80]"},
		"IPv6 only":            {testserver.Addrs("192.0.2.1", "2001:db8::1"), 0, "ip6", "[[2001:db8::1]:80]"},
		"no IPv6":              {testserver.Addrs("192.0.2.1"), 0, "ip", "[192.0.2.1:80]"},
		"none":                 {testserver.Addrs(), 0, "ip", "[]"},
		"IPv6 is out of order": {testserver.Addrs("192.0.2.1"), testserver.ServFail, "ip4", "[192.0.2.1:80]"},
		"half an answer is none": {
			testserver.Addrs("192.0.2.1", "2001:db8::1"), testserver.ServFail, "ip", "error: dns: lookup web.test.",
		},
		"nor is half an answer and a refusal": {
			testserver.Addrs("192.0.2.1", "2001:db8::1"), testserver.Refused, "ip", "error: dns: lookup web.test.",
		},
		"a refusal is not that there is none": {
			testserver.Addrs("2001:db8::1"), testserver.Refused, "ip", "error: dns: lookup web.test.",
		},
		"IPv6 is refused": {testserver.Addrs("192.0.2.1"), testserver.Refused, "ip4", "[192.0.2.1:80]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewDNS(t)
			s.Set(host, tt.records...)
			s.Behave(tt.behaviour, testserver.TypeAAAA)
			in := must(t)(dns.NewHostInstancer(host, 80, dns.WithResolver(s.Resolver()), dns.Network(tt.network)))
			got := look(t, in)
			if got != tt.want && !(strings.HasPrefix(tt.want, "error") && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A server in trouble says nothing about the instances: the last known set stands.
func TestOutageOfTheServer(t *testing.T) {
	for name, behaviour := range map[string]testserver.Behaviour{
		"ServFail": testserver.ServFail, "Refused": testserver.Refused,
		"Silent": testserver.Silent, "Garbage": testserver.Garbage,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewDNS(t)
			s.Set(service, srv(0, 1, 80, "a.test."))
			in := must(t)(dns.NewInstancer(service, dns.WithResolver(s.Resolver()),
				dns.Interval(20*time.Millisecond), dns.Timeout(300*time.Millisecond)))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stage := 0
			for set, err := range in.Watch(ctx) {
				got := text(set, err)
				switch {
				case err != nil && stage == 1:
					if !strings.HasPrefix(got, "error: dns: ") {
						t.Errorf("saw %q", got)
					}
					s.Behave(testserver.Normal)
					stage = 2
				case err != nil: // a slow machine
				case got != "[a.test:80*1]" || stage == 1:
					t.Errorf("saw %q in stage %d", got, stage)
				case stage == 0:
					s.Behave(behaviour)
					stage = 1
				default: // a good set after an error, though unchanged
					stage = 3
					cancel()
				}
			}
			if stage != 3 {
				t.Errorf("the watch ended in stage %d", stage)
			}
		})
	}
}

// An end of the context is prompt, also while a server is silent, and is told by
// the end of the watch only. The resolver may notice a deadline before the context.
// By itself it would wait for 5 s.
func TestWatchEndsWhileTheServerIsSilent(t *testing.T) {
	s := testserver.NewDNS(t)
	s.Behave(testserver.Silent)
	kinds := map[string]sd.Instancer{
		"SRV":  must(t)(dns.NewInstancer(service, dns.WithResolver(s.Resolver()))),
		"host": must(t)(dns.NewHostInstancer(host, 80, dns.WithResolver(s.Resolver()))),
	}
	contexts := map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 20*time.Millisecond)
		},
		"cancel": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	}
	for name, start := range contexts {
		for kind, in := range kinds {
			t.Run(kind+" by "+name, func(t *testing.T) {
				for range 5 {
					ctx, cancel := start()
					begin := time.Now()
					for set, err := range in.Watch(ctx) {
						t.Errorf("got %s", text(set, err))
					}
					if d := time.Since(begin); d > 4*time.Second || ctx.Err() == nil {
						t.Errorf("the watch ended after %v, the context says %v", d, ctx.Err())
					}
					cancel()
				}
			})
		}
	}
}

func TestStandardResolverFits(t *testing.T) {
	var _ dns.Resolver = (*net.Resolver)(nil)
	var _ sd.Instancer = (*dns.Instancer)(nil)
}
