package static_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

func TestParse(t *testing.T) {
	full := sd.Instance{ID: "one", Addr: "10.0.0.1:8080", Weight: 2, Zone: "a", Meta: map[string]string{"version": "1.4", "name": "münchen", "none": ""}}
	for text, want := range map[string][]sd.Instance{
		`[]`:                           {},
		" \n[ ]\n":                     {},
		`[{"addr":"h:1"}]`:             {{Addr: "h:1"}},
		`[{"addr":"[2001:db8::1]:1"}]`: {{Addr: "[2001:db8::1]:1"}},
		`[{"id":"b","addr":"h:1"},{"id":"a","addr":"h:1"}]`:                                                               {{ID: "b", Addr: "h:1"}, {ID: "a", Addr: "h:1"}},
		`[{"addr":"10.0.0.1:8080","id":"one","weight":2,"zone":"a","meta":{"version":"1.4","name":"münchen","none":""}}]`: {full},
	} {
		got, err := static.Parse([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n is %v, %v\nwant %v", text, got, err, want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{``, []string{"not a list"}},
		{`null`, []string{"not a list", "null"}},
		{`{}`, []string{"not a list"}},
		{`"h:1"`, []string{"not a list"}},
		{`["h:1"]`, []string{"not a list"}},
		{`[{"addr":"h:1"}`, []string{"not a list"}},
		{`[{"addr":"h:1"}] [`, []string{"text after"}},
		{`[{"addr":"h:1"}]]`, []string{"text after"}},
		{`[null]`, []string{"instance 1 is null"}},
		{`[{"addr":1}]`, []string{"addr"}},
		{`[{"addr":"h:1","weight":1.5}]`, []string{"weight"}},
		{`[{"addr":"h:1","weight":99999999999999999999}]`, []string{"weight"}},
		{`[{"addr":"h:1","wieght":1}]`, []string{"wieght"}},
		{"[{\"addr\":\"h\xff:1\"}]", []string{"UTF-8"}},
		{`[{}]`, []string{"instance 1", `address ""`}},
		{`[{"addr":"0.0.0.0:80"}]`, []string{"instance 1", "unspecified host"}},
		{`[{"addr":"h:0"},{"addr":"h:1"},{"addr":"h:1"},{"addr":"nowhere","weight":-1}]`,
			[]string{"instance 1", `"h:0"`, `instance 3: ID "h:1" is that of instance 2`, `"nowhere"`, "weight -1"}},
	} {
		got, err := static.Parse([]byte(c.text))
		if got != nil || err == nil {
			t.Errorf("%s is taken: %v, %v", c.text, got, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error %q does not say %s", c.text, err, part)
			}
		}
	}
}

// FuzzParse checks that what is taken is valid, and the same when it is written
// out and read again; and that no cut of it but blank space is taken as well.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"addr":"10.0.0.1:8080","id":"one","weight":2,"zone":"a","meta":{"version":"1.4"}}]`))
	f.Add([]byte(`[{"addr":"[::1]:1"},{"addr":"h:1"},{"addr":"h:1"}]`))
	f.Add([]byte(`[{"addr":"h:1","meta":null},null] 1`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := static.Parse(text)
		if err != nil {
			if first != nil {
				t.Fatalf("%v beside %v", first, err)
			}
			return
		}
		written := []byte("[")
		for i, in := range first {
			if err := in.Validate(); err != nil {
				t.Fatal(err)
			}
			one, err := json.Marshal(map[string]any{"id": in.ID, "addr": in.Addr, "weight": in.Weight, "zone": in.Zone, "meta": in.Meta})
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				written = append(written, ',')
			}
			written = append(written, one...)
		}
		second, err := static.Parse(append(written, ']'))
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%v written and read is %v, %v", first, second, err)
		}
		cut := strings.TrimRight(string(text), " \t\r\n")
		if got, err := static.Parse([]byte(cut[:len(cut)-1])); err == nil {
			t.Fatalf("cut short it is taken as %v", got)
		}
	})
}
