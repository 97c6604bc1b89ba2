package zookeeper_test

import (
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

func TestDecode(t *testing.T) {
	const curator = `{"name":"web","id":"a","address":"10.0.0.1","port":8080,"sslPort":null,"payload":null,` +
		`"registrationTimeUTC":1500000000000,"serviceType":"DYNAMIC","uriSpec":null,"enabled":true}`
	in := sd.Instance{ID: "a", Addr: "10.0.0.1:8080"}
	with := func(change func(*sd.Instance)) sd.Instance { in := in; change(&in); return in }
	tests := map[string]struct {
		data  string
		want  sd.Instance
		since zookeeper.Rank
		fault string
	}{
		"ours": {
			data:  `{"id":"a","addr":"h.example:80","weight":3,"zone":"z","meta":{"k":"v"},"since":7,"order":9}`,
			want:  sd.Instance{ID: "a", Addr: "h.example:80", Weight: 3, Zone: "z", Meta: map[string]string{"k": "v"}},
			since: zookeeper.Rank{Since: 7, Order: 9},
		},
		"ours without an ID":   {data: `{"addr":"h.example:80"}`, want: sd.Instance{Addr: "h.example:80"}},
		"ours with more to it": {data: `{"addr":"h.example:80","later":{"x":[1]}}`, want: sd.Instance{Addr: "h.example:80"}},
		"plain":                {data: " h.example:80\n", want: sd.Instance{Addr: "h.example:80"}},
		"Curator":              {data: curator, want: in},
		"Curator, TLS only": {
			data: `{"id":"a","address":"10.0.0.1","port":null,"sslPort":8080}`, want: in,
		},
		"Curator, both ports": {data: `{"id":"a","address":"10.0.0.1","port":8080,"sslPort":8443}`, want: in},
		"Curator, IPv6": {
			data: `{"id":"a","address":"2001:db8::1","port":80}`,
			want: sd.Instance{ID: "a", Addr: "[2001:db8::1]:80"},
		},
		"Curator, IPv6 in brackets": {
			data: `{"id":"a","address":"[2001:db8::1]","port":80}`,
			want: sd.Instance{ID: "a", Addr: "[2001:db8::1]:80"},
		},
		"Curator with an object": {
			data: `{"id":"a","address":"10.0.0.1","port":8080,"payload":{"@class":"x.Y","n":1.5,"ok":true,"none":null,"list":[1],"in":{}}}`,
			want: with(func(in *sd.Instance) { in.Meta = map[string]string{"@class": "x.Y", "n": "1.5", "ok": "true"} }),
		},
		"Curator with a text": {
			data: `{"id":"a","address":"10.0.0.1","port":8080,"payload":"v1"}`,
			want: with(func(in *sd.Instance) { in.Meta = map[string]string{zookeeper.MetaPayload: "v1"} }),
		},
		"Curator with a list":  {data: `{"id":"a","address":"10.0.0.1","port":8080,"payload":[1,2]}`, want: in},
		"Curator, disabled":    {data: `{"id":"a","address":"10.0.0.1","port":8080,"enabled":false}`, fault: "disabled"},
		"Curator without port": {data: `{"id":"a","address":"10.0.0.1"}`, fault: "no port"},
		"Curator, port 0":      {data: `{"id":"a","address":"10.0.0.1","port":0}`, fault: "no port from 1"},
		"empty":                {fault: "empty"},
		"space":                {data: " \n", fault: "empty"},
		"neither":              {data: `{}`, fault: "host:port"},
		"truncated":            {data: `{"addr":"h.example:80"`, fault: "JSON"},
		"a list":               {data: `["h.example:80"]`, fault: "host:port"},
		"a negative weight":    {data: `{"addr":"h.example:80","weight":-1}`, fault: "weight"},
		"a weight of text":     {data: `{"addr":"h.example:80","weight":"3"}`, fault: "JSON"},
		"no port":              {data: `h.example`, fault: "host:port"},
		"too long":             {data: strings.Repeat("x", 1<<20), fault: "1048576 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, since, err := zookeeper.Decode([]byte(tt.data))
			if !got.Equal(&tt.want) || since != tt.since {
				t.Errorf("got %+v since %v, want %+v since %v", got, since, tt.want, tt.since)
			}
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("the fault is %v, want %q", err, tt.fault)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the fault is told in %d bytes", len(err.Error()))
			}
		})
	}
}

// What comes of any data is a valid instance or an error, and what is written of
// that instance is read as the same.
func FuzzDecode(f *testing.F) {
	for _, data := range []string{
		`{"id":"a","addr":"h.example:80","weight":3,"zone":"z","meta":{"k":"v"},"since":7,"order":9}`, `h.example:80`, ``, `{`, `null`,
		`{"id":"a","address":"2001:db8::1","port":80,"payload":{"a":"b","c":[]}}`, `{"address":"h","sslPort":1,"payload":"x"}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, since, err := zookeeper.Decode(data)
		if err != nil {
			if in.Addr != "" || since != (zookeeper.Rank{}) {
				t.Fatalf("%q: %+v with the error %v", data, in, err)
			}
			return
		}
		if err := in.Validate(); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		written, err := zookeeper.Encode(in, since)
		if err != nil && len(data) > 60<<10 {
			return // our own JSON is longer
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		again, sinceAgain, err := zookeeper.Decode(written)
		if err != nil || !again.Equal(&in) || sinceAgain != since {
			t.Fatalf("%q: %+v since %v, and written and read %+v since %v, %v", data, in, since, again, sinceAgain, err)
		}
	})
}

// What is written of a valid instance is read as the same.
func FuzzEncode(f *testing.F) {
	f.Add("a", "h.example:80", 3, "z", "k", "v", int64(0), int64(0))
	f.Add("ü/%2f", "[2001:db8::1]:443", 0, "", "", "", int64(1<<40), int64(7))
	f.Fuzz(func(t *testing.T, id, addr string, weight int, zone, key, value string, millis, order int64) {
		in := sd.Instance{ID: id, Addr: addr, Weight: weight, Zone: zone, Meta: map[string]string{key: value}}
		if in.Validate() != nil {
			return
		}
		since := zookeeper.Rank{Since: millis, Order: order}
		data, err := zookeeper.Encode(in, since)
		if err != nil {
			return // too long, or not UTF-8
		}
		got, gotSince, err := zookeeper.Decode(data)
		if err != nil || !got.Equal(&in) || gotSince != since {
			t.Fatalf("%+v since %v is read as %+v since %v, %v", in, since, got, gotSince, err)
		}
	})
}
