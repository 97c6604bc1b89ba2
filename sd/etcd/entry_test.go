package etcd_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
)

func TestValue(t *testing.T) {
	for _, c := range []struct {
		value string
		want  sd.Instance // without an ID if it is malformed
	}{
		{`{"addr":"h:1"}`, sd.Instance{ID: "x", Addr: "h:1"}},
		{`{"addr":"h:1","weight":3,"zone":"z","meta":{"k":"v"},"generation":7}`,
			sd.Instance{ID: "x", Addr: "h:1", Weight: 3, Zone: "z", Meta: map[string]string{"k": "v"}}},
		{`{"addr":"h:1","later":"more"}`, sd.Instance{ID: "x", Addr: "h:1"}},
		{`{"Op":0,"Addr":"h:1","Metadata":{"a":1}}`, sd.Instance{ID: "x", Addr: "h:1"}}, // of naming/endpoints
		{"10.0.0.1:80", sd.Instance{ID: "x", Addr: "10.0.0.1:80"}},
		{" [::1]:80\n", sd.Instance{ID: "x", Addr: "[::1]:80"}},
		{"", sd.Instance{}},
		{" \n", sd.Instance{}},
		{"{", sd.Instance{}},
		{"{}", sd.Instance{}},
		{"null", sd.Instance{}},
		{`["h:1"]`, sd.Instance{}},
		{`{"addr":"h:1"} {}`, sd.Instance{}},
		{`{"addr":"h:1","weight":-1}`, sd.Instance{}},
		{`{"addr":"h:1","weight":"3"}`, sd.Instance{}},
		{`{"addr":"h:1","meta":{"k":1}}`, sd.Instance{}},
		{"10.0.0.1", sd.Instance{}},
		{"10.0.0.1:0", sd.Instance{}},
		{"0.0.0.0:80", sd.Instance{}},
		{"http://10.0.0.1:80", sd.Instance{}},
		{`{"addr":"h:1","zone":"` + strings.Repeat("z", 64<<10) + `"}`, sd.Instance{}},
		{strings.Repeat("z", 64<<10), sd.Instance{}},
	} {
		got, _, err := etcd.Decode("x", []byte(c.value))
		if !got.Equal(&c.want) || (err == nil) != (c.want.ID != "") {
			t.Errorf("%.80q is %+v, %v; want %+v", c.value, got, err, c.want)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("of %.20q the error has %d bytes", c.value, len(err.Error()))
		}
	}
}

func TestValueThatCannotBeWritten(t *testing.T) {
	for _, in := range []sd.Instance{
		{ID: "x", Addr: "h:1", Zone: "\xff"},
		{ID: "x", Addr: "h:1", Meta: map[string]string{"\xff": ""}},
		{ID: "x", Addr: "h:1", Zone: strings.Repeat("z", 64<<10)},
	} {
		if text, err := etcd.Encode(in, 1); err == nil {
			t.Errorf("%.80q was written as %.80q", in.Zone, text)
		}
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct{ id, key string }{
		{"x", "/s/x"}, {"10.0.0.1:80", "/s/10.0.0.1:80"}, {"a/b", "/s/a%2Fb"}, {"a%2Fb", "/s/a%252Fb"},
		{"%", "/s/%25"}, {"/", "/s/%2F"}, {"ü", "/s/ü"},
	} {
		id, ours, err := etcd.IDOf("/s", c.key)
		if key := etcd.KeyOf("/s", c.id); key != c.key || id != c.id || !ours || err != nil {
			t.Errorf("%q has the key %q, want %q; which is %q, %v, %v", c.id, key, c.key, id, ours, err)
		}
	}
	for key, mine := range map[string]bool{
		"/s": false, "/sx/a": false, "/s/a/b": false, "/s//a": false, "/s/": true, "/s/a%2fb": true, "/s/100%": true, "/s/%41": true,
	} {
		if id, ours, err := etcd.IDOf("/s", key); ours != mine || ours && err == nil {
			t.Errorf("%q is %q, %v, %v", key, id, ours, err)
		}
	}
}

// FuzzValue: what is read is valid, and reads the same when it is written again.
func FuzzValue(f *testing.F) {
	f.Add("x", `{"addr":"h:1","weight":3,"zone":"z","meta":{"k":"v"},"generation":7}`)
	f.Add("a/b", "10.0.0.1:80")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, id, value string) {
		in, generation, err := etcd.Decode(id, []byte(value))
		if err != nil {
			if !in.Equal(&sd.Instance{}) || generation != 0 {
				t.Fatalf("%+v comes with %v", in, err)
			}
			return
		}
		if err := in.Validate(); err != nil {
			t.Fatal(err)
		}
		text, err := etcd.Encode(in, generation)
		if err != nil {
			if len(value) > 4<<10 { // escaped it may be too long
				return
			}
			t.Fatalf("%q cannot be written again: %v", value, err)
		}
		again, same, err := etcd.Decode(id, text)
		if err != nil || !again.Equal(&in) || same != generation {
			t.Fatalf("%q is %+v, and written again %+v, %v", value, in, again, err)
		}
	})
}

// FuzzInstance: what is written reads as it was, or is refused.
func FuzzInstance(f *testing.F) {
	f.Add("x", "h:1", 3, "z", "k", "v")
	f.Add("x", "h:1", 0, "\xff", "", "\x00")
	f.Fuzz(func(t *testing.T, id, addr string, weight int, zone, key, val string) {
		want := sd.Instance{ID: id, Addr: addr, Weight: weight, Zone: zone, Meta: map[string]string{key: val}}
		text, err := etcd.Encode(want, 1<<53)
		if err != nil {
			if want.Validate() == nil && utf8.ValidString(zone+key+val) && len(zone+key+val) < 8<<10 {
				t.Fatalf("%+v is refused: %v", want, err)
			}
			return
		}
		got, generation, err := etcd.Decode(id, text)
		if err != nil || !got.Equal(&want) || generation != 1<<53 {
			t.Fatalf("%+v is read as %+v, %v", want, got, err)
		}
	})
}

// FuzzKey: a key stands for one ID, and an ID for one key.
func FuzzKey(f *testing.F) {
	f.Add("x", "/s/x")
	f.Add("a/b%", "/s/a%2Fb%25")
	f.Fuzz(func(t *testing.T, id, key string) {
		if id != "" {
			got, ours, err := etcd.IDOf("/s", etcd.KeyOf("/s", id))
			if got != id || !ours || err != nil {
				t.Fatalf("%q comes back as %q, %v, %v", id, got, ours, err)
			}
		}
		if id, ours, err := etcd.IDOf("/s", key); ours && err == nil && etcd.KeyOf("/s", id) != key {
			t.Fatalf("%q stands for %q, which has the key %q", key, id, etcd.KeyOf("/s", id))
		}
	})
}
