package static_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

func ids(set []*sd.Instance) string {
	var s []string
	for _, in := range set {
		s = append(s, in.ID)
	}
	return strings.Join(s, " ")
}

func TestListYieldsOnceAndWaits(t *testing.T) {
	for _, c := range []struct {
		instances []sd.Instance
		want      string
	}{
		{nil, ""},
		{[]sd.Instance{{Addr: "h:2"}, {ID: "a", Addr: "h:1"}, {Addr: "[::1]:80"}}, "[::1]:80 a h:2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			instancer, err := static.NewInstancer(c.instances...)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start, sets := time.Now(), 0
			for set, err := range instancer.Watch(ctx) {
				if sets++; err != nil || ids(set) != c.want {
					t.Errorf("it yields %q, %v; want %q", ids(set), err, c.want)
				}
			}
			if sets != 1 || time.Since(start) != time.Hour {
				t.Errorf("it yields %d sets and ends after %v; want 1, and to wait for ctx", sets, time.Since(start))
			}
			for range instancer.Watch(ctx) {
				t.Error("it yields though its context is done")
			}
		})
	}
}

func TestListIsCopied(t *testing.T) {
	in := []sd.Instance{{Addr: "h:1", Meta: map[string]string{"k": "v"}}}
	instancer, err := static.NewInstancer(in...)
	if err != nil {
		t.Fatal(err)
	}
	in[0].Meta["k"], in[0].Addr = "changed", "h:2"
	for set := range instancer.Watch(t.Context()) {
		if set[0].Addr != "h:1" || set[0].Meta["k"] != "v" {
			t.Errorf("the caller's write reached the set: %v", *set[0])
		}
		break
	}
}

// A list that is wrong throughout does not make an error as long as itself.
func TestListFaultsAreBounded(t *testing.T) {
	for _, c := range []struct {
		n    int
		last string
	}{
		{20, `instance 20: sd: address "nowhere" is not host:port`},
		{21, "and 1 more"},
		{10_000, "and 9980 more"},
	} {
		instances := make([]sd.Instance, c.n)
		for i := range instances {
			instances[i] = sd.Instance{ID: fmt.Sprint(i), Addr: "nowhere"}
		}
		_, err := static.NewInstancer(instances...)
		if err == nil {
			t.Fatal("it takes malformed addresses")
		}
		lines := strings.Split(err.Error(), "\n")
		if got := lines[len(lines)-1]; len(lines) != min(c.n, 21) || got != c.last {
			t.Errorf("of %d faults it names %d and at last %q; want %q", c.n, len(lines), got, c.last)
		}
	}
}

func TestListFaults(t *testing.T) {
	_, err := static.NewInstancer(sd.Instance{Addr: "nowhere"}, sd.Instance{Addr: "h:1"}, sd.Instance{Addr: "h:1"}, sd.Instance{Addr: ":0"})
	for _, part := range []string{`instance 1: sd: address "nowhere"`, `instance 3: ID "h:1"`, `instance 4: sd: address ":0"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %s", err, part)
		}
	}
}
