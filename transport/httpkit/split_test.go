package httpkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type ctx = context.Context

// described is a response that shows every field, bound ones too.
type described string

func (d described) MarshalJSON() ([]byte, error) { return json.Marshal(string(d)) }

func echoAll(_ context.Context, r everything) (described, error) { return described(show(r)), nil }

func show(r everything) string {
	deref := func(p any) string {
		switch p := p.(type) {
		case *bool:
			if p != nil {
				return fmt.Sprint(*p)
			}
		case *string:
			if p != nil {
				return fmt.Sprintf("%q", *p)
			}
		case *int:
			if p != nil {
				return fmt.Sprint(*p)
			}
		}
		return "nil"
	}
	return fmt.Sprintf("%q %v %q %v %q %v %s %s %v %v %q %q %s %q %q",
		r.ID, r.window, r.Tags, r.Sizes, r.Color, r.Ratio, deref(r.Exact), deref(r.After), r.Peer, r.Big,
		r.Tenant, r.Traces, deref(r.Depth), r.Name, r.Note)
}

// describe is the body that echoAll answers with.
func describe(r everything) string {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(described(show(r)))
	return b.String()
}

func TestSplitRefusesWhatWouldNotArrive(t *testing.T) {
	tests := []struct {
		name, want string
		req        everything
	}{
		{"empty segment", `path segment "id" must not be empty`, everything{}},
		{"dot segment", `path segment "id" must not be empty, "." or ".."`, everything{ID: ".."}},
		{"line break", `header "X-Tenant" has a character`, everything{ID: "x", Tenant: "a\r\nb"}},
		{"space round a header", `header "X-Trace" has a character`, everything{ID: "x", Traces: []string{" a"}}},
		{"no number", `query parameter "ratio" must be a number`, everything{ID: "x", Ratio: float32(math.NaN())}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := httpkit.Split(test.req)
			if endpoint.CodeOf(err) != endpoint.InvalidArgument || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := httpkit.Split[*everything](nil); endpoint.CodeOf(err) != endpoint.InvalidArgument {
		t.Errorf("a nil request is taken: %v", err)
	}
}

func TestSplitLeavesBoundFieldsOutOfTheBody(t *testing.T) {
	out, err := httpkit.Split(&everything{ID: "x", Tenant: "t", Note: "o", window: window{Limit: 1, Sort: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"sort":"s","Note":"o"}`; string(body) != want {
		t.Errorf("the body is %s, want %s", body, want)
	}
	if got := out.Query.Encode(); got != "limit=1" {
		t.Errorf("the query is %q; zero values are to be left out", got)
	}
}

func TestSplitSaysWhetherABodyRemains(t *testing.T) {
	bound, _ := httpkit.Split(onlyBound{ID: 1})
	none, _ := httpkit.Split(struct{}{})
	hidden, _ := httpkit.Split(struct {
		a int
		B int `json:"-"`
	}{})
	for name, got := range map[string]bool{"bound": bound.HasBody, "empty": none.HasBody, "hidden": hidden.HasBody} {
		if got {
			t.Errorf("%s: a body is said to remain", name)
		}
	}
	text, _ := httpkit.Split("x")
	own, _ := httpkit.Split(custom{})
	moment, _ := httpkit.Split(time.Time{})
	for name, got := range map[string]bool{"string": text.HasBody, "own": own.HasBody, "time": moment.HasBody} {
		if !got {
			t.Errorf("%s: no body is said to remain", name)
		}
	}
}

// FuzzSplit holds the law of the plan: a server binds what a client split.
func FuzzSplit(f *testing.F) {
	f.Add("id", uint8(1), int64(5), "tag", int16(-1), float32(.5), uint8(0b1111111), []byte{1, 2, 3, 4}, "tenant", "name")
	f.Add("a/b?c#%", uint8(0), int64(0), "", int16(0), float32(0), uint8(0), []byte{}, "\xff", "\xff")
	f.Fuzz(func(t *testing.T, id string, limit uint8, since int64, tag string, size int16, ratio float32,
		present uint8, peer []byte, tenant, name string,
	) {
		req := everything{
			ID: id, window: window{Limit: limit, Since: time.Duration(since), Sort: name},
			Tags: []string{tag, tag}, Sizes: []int16{size}, Color: color(tag), Ratio: ratio, Tenant: tenant,
			Traces: []string{tenant, "x"}, Name: name, Note: name,
		}
		if addr, ok := netip.AddrFromSlice(peer); ok {
			req.Peer = addr
		}
		if present&1 != 0 {
			exact, after, depth := present&2 != 0, tag, int(size)
			req.Exact, req.After, req.Depth, req.Big = &exact, &after, &depth, new(big.Int).SetBytes(peer)
		}
		out, err := httpkit.Split(req)
		if err != nil {
			if endpoint.CodeOf(err) != endpoint.InvalidArgument {
				t.Fatalf("split: %v", err)
			}
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/?"+out.Query.Encode(), nil)
		r.SetPathValue("id", out.Path["id"])
		r.Header = out.Header
		body, err := json.Marshal(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		var got everything
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if err := httpkit.Bind(r, &got, true); err != nil {
			t.Fatalf("bind: %v, of %+v", err, out)
		}
		if strings.ToValidUTF8(name, "") != name { // JSON has no place for it
			req.Name, req.Note, req.Sort = got.Name, got.Note, got.Sort
		}
		if show(got) != show(req) {
			t.Errorf("got  %s\nwant %s", show(got), show(req))
		}
	})
}

// FuzzBind throws any request at a handler: it answers with a success or says
// what was wrong with the request, and never fails itself.
func FuzzBind(f *testing.F) {
	f.Add("limit=1&tag=x", "tenant", "5", `{"name":"n"}`, "id")
	f.Add("limit=%zz;", "\x00", "", `{"name":1}`, "")
	h := bindEverything()
	f.Fuzz(func(t *testing.T, query, tenant, depth, body, id string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Pattern = "/{id}"
		r.SetPathValue("id", id)
		r.Header = http.Header{"Content-Type": {"application/json"}, "X-Tenant": {tenant}, "X-Depth": {depth}}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != 200 && rec.Code != 400 {
			t.Fatalf("status %d: %s", rec.Code, rec.Body)
		}
		if !json.Valid(rec.Body.Bytes()) {
			t.Errorf("not JSON: %q", rec.Body)
		}
		for _, name := range goNames {
			if rec.Code == 400 && strings.Contains(rec.Body.String(), name) && !strings.Contains(body, name) {
				t.Errorf("the message holds the Go name %q: %s", name, rec.Body)
			}
		}
	})
}
