package sd_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
)

func TestInstanceValidate(t *testing.T) {
	for _, c := range []struct {
		in     sd.Instance
		faults []string // none: it is valid
	}{
		{sd.Instance{Addr: "10.0.0.1:8080"}, nil},
		{sd.Instance{Addr: "some-host.example:1", Weight: 1 << 40, ID: "ü/#?"}, nil},
		{sd.Instance{Addr: "h:65535"}, nil},
		{sd.Instance{Addr: "[::1]:80"}, nil},
		{sd.Instance{Addr: "0.0.0.1:80"}, nil},
		{sd.Instance{Addr: "[fe80::1%eth0]:80"}, nil},
		{sd.Instance{}, []string{`address "" is not host:port`}},
		{sd.Instance{Addr: "h"}, []string{"not host:port"}},
		{sd.Instance{Addr: "::1:80"}, []string{"not host:port"}},
		{sd.Instance{Addr: "[::1]"}, []string{"not host:port"}},
		{sd.Instance{Addr: ":80"}, []string{"no valid host"}},
		{sd.Instance{Addr: "[]:80"}, []string{"no valid host"}},
		{sd.Instance{Addr: "0.0.0.0:80"}, []string{`address "0.0.0.0:80" has an unspecified host`}},
		{sd.Instance{Addr: "[::]:80"}, []string{"unspecified host"}},
		{sd.Instance{Addr: "[0:0::0]:80"}, []string{"unspecified host"}},
		{sd.Instance{Addr: "[::%eth0]:80"}, []string{"unspecified host"}},
		{sd.Instance{Addr: "[::ffff:0.0.0.0]:80"}, []string{"unspecified host"}},
		{sd.Instance{Addr: "a b:80"}, []string{"no valid host"}},
		{sd.Instance{Addr: "a\x00b:80"}, []string{"no valid host"}},
		{sd.Instance{Addr: "h\xff:80"}, []string{"no valid host"}},
		{sd.Instance{Addr: "h:0"}, []string{"no port from 1 to 65535"}},
		{sd.Instance{Addr: "h:65536"}, []string{"no port"}},
		{sd.Instance{Addr: "h:"}, []string{"no port"}},
		{sd.Instance{Addr: "h:http"}, []string{"no port"}},
		{sd.Instance{Addr: "h:+1"}, []string{"no port"}},
		{sd.Instance{Addr: "h:-1"}, []string{"no port"}},
		{sd.Instance{Addr: "h:80 "}, []string{"no port"}},
		{sd.Instance{Addr: "h:80\n"}, []string{"no port"}},
		{sd.Instance{Addr: "h:1", ID: " "}, []string{`ID " "`}},
		{sd.Instance{Addr: "h:1", ID: "a\tb"}, []string{`ID "a\tb"`}},
		{sd.Instance{Addr: "h:1", ID: "a\u00a0b"}, []string{"ID"}},
		{sd.Instance{Addr: "h:1", ID: "a\u2028b"}, []string{"ID"}},
		{sd.Instance{Addr: "h:1", ID: "a\u0085b"}, []string{"ID"}},
		{sd.Instance{Addr: "h:1", ID: "a\x7fb"}, []string{"ID"}},
		{sd.Instance{Addr: "h:1", ID: "\xff"}, []string{"ID"}},
		{sd.Instance{Addr: "h:1", Weight: -1}, []string{"weight -1 is negative"}},
		{sd.Instance{Addr: " :0", ID: "\n", Weight: -7}, []string{"no valid host", "no port", "ID", "weight -7"}},
	} {
		err := c.in.Validate()
		if (err == nil) != (c.faults == nil) {
			t.Errorf("%+v: %v; want %v", c.in, err, c.faults)
			continue
		}
		for _, fault := range c.faults {
			if !strings.Contains(err.Error(), fault) {
				t.Errorf("%+v: the error %q does not say %s", c.in, err, fault)
			}
		}
	}
}

func TestInstanceEqual(t *testing.T) {
	base := sd.Instance{ID: "a", Addr: "h:1", Weight: 1, Zone: "z", Meta: map[string]string{"k": "v"}}
	same := base
	same.Meta = maps.Clone(base.Meta)
	if !base.Equal(&same) {
		t.Error("a copy is not equal")
	}
	if a, b := (sd.Instance{}), (sd.Instance{Meta: map[string]string{}}); !a.Equal(&b) {
		t.Error("nil and empty Meta are not equal")
	}
	for name, change := range map[string]func(*sd.Instance){
		"ID":       func(in *sd.Instance) { in.ID = "b" },
		"Addr":     func(in *sd.Instance) { in.Addr = "h:2" },
		"Weight":   func(in *sd.Instance) { in.Weight = 2 },
		"Zone":     func(in *sd.Instance) { in.Zone = "" },
		"Meta":     func(in *sd.Instance) { in.Meta = map[string]string{"k": "w"} },
		"Meta key": func(in *sd.Instance) { in.Meta = map[string]string{"l": "v"} },
		"no Meta":  func(in *sd.Instance) { in.Meta = nil },
	} {
		other := base
		if change(&other); base.Equal(&other) || other.Equal(&base) {
			t.Errorf("it is equal to one with another %s", name)
		}
	}
}

func TestNextSetOfNothing(t *testing.T) {
	none := sd.NextSet(nil, nil)
	if none == nil || len(none) != 0 {
		t.Errorf("the first set of nobody is %#v; want one of length 0 that is not nil", none)
	}
	one := sd.NextSet(none, []sd.Instance{{Addr: "h:1"}})
	if len(one) != 1 || one[0].ID != "h:1" {
		t.Errorf("an empty ID does not become the address: %v", one)
	}
	if left := sd.NextSet(one, nil); len(left) != 0 {
		t.Errorf("%v is left of a set that nobody is in", left)
	}
}

// FuzzNextSet reads instances from bytes, two sets one after the other, and
// compares NextSet with what its documentation says.
func FuzzNextSet(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0x11, 0x22, 0x33}, []byte{0x33, 0x21, 0x11})
	f.Add([]byte{0x11, 0x12, 0x11}, []byte{0x12, 0x11})
	f.Add([]byte{0x00, 0x10, 0x20, 0x30}, []byte{0x10, 0x30})
	f.Add([]byte{0x44, 0x04}, []byte{0x04, 0x44})
	all := make([]byte, 256) // so many that a sort that is not stable shows
	for i := range all {
		all[i] = byte(i * 37)
	}
	f.Add(all, all[100:])
	f.Fuzz(func(t *testing.T, first, second []byte) {
		prev := sd.NextSet(nil, decode(first))
		check(t, prev, decode(first), nil)
		next := sd.NextSet(prev, decode(second))
		check(t, next, decode(second), prev)
	})
}

// decode makes an instance of each byte: the high four bits are the ID, of which
// 15 is empty, the low four the rest.
func decode(text []byte) []sd.Instance {
	found := make([]sd.Instance, len(text))
	for i, b := range text {
		in := sd.Instance{ID: fmt.Sprint("i", b>>4), Addr: fmt.Sprintf("h:%d", b&3+1), Weight: int(b >> 2 & 1)}
		if b>>4 == 15 {
			in.ID = ""
		}
		if b>>3&1 == 1 {
			in.Meta = map[string]string{"k": "v"}
		}
		found[i] = in
	}
	return found
}

func check(t *testing.T, set []*sd.Instance, found []sd.Instance, prev []*sd.Instance) {
	t.Helper()
	want := make(map[string]sd.Instance) // the first of each ID
	for _, in := range found {
		in.ID = cmp.Or(in.ID, in.Addr)
		if _, twice := want[in.ID]; !twice {
			want[in.ID] = in
		}
	}
	if len(set) != len(want) || !slices.IsSortedFunc(set, func(a, b *sd.Instance) int { return strings.Compare(a.ID, b.ID) }) {
		t.Fatalf("%v is not sorted, or not as long as %v", set, want)
	}
	old := make(map[string]*sd.Instance)
	for _, in := range prev {
		old[in.ID] = in
	}
	for _, in := range set {
		if w := want[in.ID]; !in.Equal(&w) {
			t.Errorf("%+v; want %+v", in, w)
		}
		if was := old[in.ID]; was != nil && was.Equal(in) != (was == in) {
			t.Errorf("%+v keeps its pointer: %t; and equals what it was: %t", in, was == in, was.Equal(in))
		}
	}
	same := prev != nil && slices.EqualFunc(prev, set, (*sd.Instance).Equal)
	if same && len(set) > 0 && &set[0] != &prev[0] {
		t.Error("nothing changed, and the set is another")
	}
}

// What prev held is never written to, for its readers are still there.
func TestNextSetLeavesPrevAlone(t *testing.T) {
	prev := sd.NextSet(nil, []sd.Instance{{ID: "a", Addr: "h:1"}, {ID: "b", Addr: "h:2"}, {ID: "c", Addr: "h:3"}})
	pointers, values := slices.Clone(prev), []sd.Instance{*prev[0], *prev[1], *prev[2]}
	sd.NextSet(prev, []sd.Instance{{ID: "0", Addr: "h:9"}, {ID: "b", Addr: "h:2", Weight: 2}})
	if !slices.Equal(prev, pointers) {
		t.Error("the slice was written to")
	}
	for i, in := range prev {
		if !in.Equal(&values[i]) {
			t.Errorf("%v was written to", in)
		}
	}
}
