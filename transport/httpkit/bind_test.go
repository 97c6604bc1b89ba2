package httpkit_test

import (
	"encoding/json"
	"math/big"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type color string

type window struct {
	Limit uint8         `query:"limit"`
	Since time.Duration `query:"since"`
	Sort  string        `json:"sort"`
}

// everything has a field of each kind, in each place.
type everything struct {
	ID string `path:"id"`
	window
	Tags   []string   `query:"tag"`
	Sizes  []int16    `query:"size"`
	Color  color      `query:"color"`
	Ratio  float32    `query:"ratio"`
	Exact  *bool      `query:"exact"`
	After  *string    `query:"after"`
	Peer   netip.Addr `query:"peer"`
	Big    *big.Int   `query:"big"`
	Tenant string     `header:"x-tenant"`
	Traces []string   `header:"X-Trace"`
	Depth  *int       `header:"X-Depth"`
	Name   string     `json:"name,omitempty"`
	Note   string
}

func bindEverything() http.Handler {
	return httpkit.NewHandler(echoAll, httpkit.DecodeJSON, httpkit.EncodeJSON)
}

func TestBind(t *testing.T) {
	url := start(t, "POST /things/{id}", bindEverything())
	a := post(t, url+"/things/a%2Fb?limit=7&since=1.5s&tag=x&tag=&size=-1&size=2&color=red&ratio=0.5&exact=false"+
		"&after=&peer=::1&big=123456789012345678901234567890&ignored=1",
		`{"name":"n","sort":"s","Note":"o"}`, "X-Tenant", "acme", "X-Depth", "0")
	yes, empty, zero := false, "", 0
	n, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	want := everything{
		ID: "a/b", window: window{Limit: 7, Since: 1500 * time.Millisecond, Sort: "s"},
		Tags: []string{"x", ""}, Sizes: []int16{-1, 2}, Color: "red", Ratio: 0.5, Exact: &yes, After: &empty,
		Peer: netip.MustParseAddr("::1"), Big: n, Tenant: "acme", Depth: &zero, Name: "n", Note: "o",
	}
	if got := describe(want); a.body != got {
		t.Errorf("got  %s\nwant %s", a.body, got)
	}
}

func TestBindAbsentIsZero(t *testing.T) {
	url := start(t, "POST /things/{id}", bindEverything())
	if a := post(t, url+"/things/x", `{}`); a.body != describe(everything{ID: "x"}) {
		t.Errorf("got %s", a.body)
	}
}

func TestBindFaults(t *testing.T) {
	url := start(t, "POST /things/{id}", bindEverything())
	tests := []struct{ name, query, want string }{
		{"not a number", "limit=x", `query parameter "limit" must be a whole number that is not negative`},
		{"negative", "limit=-1", `query parameter "limit" must be a whole number that is not negative`},
		{"out of range", "limit=256", `query parameter "limit" is out of range`},
		{"empty number", "limit=", `query parameter "limit" must be a whole number that is not negative`},
		{"one bad of several", "size=1&size=1.0", `query parameter "size" must be a whole number`},
		{"twice", "limit=1&limit=2", `query parameter "limit" must be given once`},
		{"not a duration", "since=5", `query parameter "since" must be a duration such as "1.5s"`},
		{"not a bool", "exact=yes", `query parameter "exact" must be true or false`},
		{"not a number at all", "ratio=NaN", `query parameter "ratio" must be a number`},
		{"hexadecimal", "ratio=0x1p-2", `query parameter "ratio" must be a number`},
		{"with underscores", "ratio=1_0", `query parameter "ratio" must be a number`},
		{"infinite", "ratio=Inf", `query parameter "ratio" must be a number`},
		{"a text type", "peer=here", `query parameter "peer" is not valid`},
		{"a pointer to a text type", "big=x", `query parameter "big" is not valid`},
		{"all of them", "limit=x&exact=y", `query parameter "limit" must be a whole number that is not negative; query parameter "exact" must be true or false`},
		{"malformed", "limit=%zz", `the query of the URL is malformed`},
		{"semicolon", "a=1;limit=2", `the query of the URL is malformed`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := post(t, url+"/things/x?"+test.query, `{}`).problem(t, 400, endpoint.InvalidArgument)
			if p.Detail != test.want {
				t.Errorf("the message is %q, want %q", p.Detail, test.want)
			}
		})
	}
	p := post(t, url+"/things/x", `{}`, "X-Depth", "deep").problem(t, 400, endpoint.InvalidArgument)
	if want := `header "X-Depth" must be a whole number`; p.Detail != want {
		t.Errorf("the message is %q, want %q", p.Detail, want)
	}
}

// The body must not reach a field that is bound to another place.
func TestBodyCannotSetBoundFields(t *testing.T) {
	url := start(t, "POST /things/{id}", bindEverything())
	strict := start(t, "POST /things/{id}", httpkit.NewHandler(echoAll, httpkit.DecodeStrictJSON, httpkit.EncodeJSON))
	for _, member := range []string{"ID", "id", "Limit", "limit", "Tenant", "tenant", "x-tenant", "Exact", "window", "Tags"} {
		body := `{"` + member + `":"evil"}`
		if a := post(t, url+"/things/x", body); a.body != describe(everything{ID: "x"}) {
			t.Errorf("%s gives %s", body, a.body)
		}
		post(t, strict+"/things/x", body).problem(t, 400, endpoint.InvalidArgument)
	}
}

// custom decodes its body by itself, bound fields too.
type custom struct {
	Tenant string `header:"X-Tenant"`
	Name   string
}

func (c *custom) UnmarshalJSON(data []byte) error {
	type plain custom
	return json.Unmarshal(data, (*plain)(c))
}

func TestOwnUnmarshalJSONCannotSetBoundFields(t *testing.T) {
	url := start(t, "POST /c", httpkit.NewHandler(echo[custom], httpkit.DecodeJSON, httpkit.EncodeJSON))
	if a := post(t, url+"/c", `{"Tenant":"evil","Name":"n"}`); a.body != `{"Tenant":"","Name":"n"}`+"\n" {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
}

type onlyBound struct {
	ID    int `path:"id"`
	Limit int `query:"limit" json:"limit"`
}

func TestNoFieldLeftNeedsNoBody(t *testing.T) {
	var got *onlyBound
	h := httpkit.NewHandler(func(_ ctx, r *onlyBound) (struct{}, error) { got = r; return struct{}{}, nil },
		httpkit.DecodeJSON, httpkit.EncodeNothing)
	if a := get(t, start(t, "GET /t/{id}", h)+"/t/5?limit=3"); a.StatusCode != 204 {
		t.Fatalf("got %d %s", a.StatusCode, a.body)
	}
	if want := (&onlyBound{5, 3}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBindTellsOfAMissingWildcard(t *testing.T) {
	var logs records
	h := httpkit.NewHandler(echo[onlyBound], httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.Logger(logs.logger()))
	get(t, start(t, "GET /t/{number}", h)+"/t/5").problem(t, 500, endpoint.Internal)
	if !strings.Contains(logs.String(), `path wildcard`) {
		t.Errorf("the log does not tell: %s", logs.String())
	}
}

func TestMalformedTags(t *testing.T) {
	type inner struct {
		N int `query:"n"`
	}
	type bad struct {
		A string         `path:"a-b"`
		B string         `query:"b,omitempty"`
		C string         `header:"X C"`
		D map[string]int `query:"d"`
		E []string       `path:"e"`
		F string         `query:"f" header:"F"`
		g string         `query:"g"`
		H string         `query:"h"`
		I string         `query:"h"`
		J string         `header:"host"`
		K []byte         `query:"k"`
		L any            `query:"l"`
		M **int          `query:"m"`
		*inner
	}
	_ = bad{}.g
	message := recovered(func() { httpkit.NewHandler(echo[bad], httpkit.DecodeJSON, httpkit.EncodeJSON) })
	for _, want := range []string{
		`bad.A: path:"a-b"`, `bad.B: query:"b,omitempty"`, `bad.C: header:"X C"`, `bad.D: map[string]int cannot`,
		`bad.E: []string cannot`, `bad.F: has more than one`, `bad.g: a field that is not exported`,
		`bad.I: query parameter "h" is bound twice`, `bad.J: header:"Host": this header belongs`,
		`bad.K: []uint8 cannot`, `bad.L: interface {} cannot`, `bad.M: **int cannot`, `bad.inner: a struct with tagged`,
	} {
		if !strings.Contains(message, want) {
			t.Errorf("%q is not in %s", want, message)
		}
	}
	if strings.Contains(message, "bad.H") {
		t.Errorf("the good field is blamed: %s", message)
	}
}

type (
	Inner  struct{ A string }
	_Inner struct{ B string }
)

// What stands for an embedded struct gets in the way of no field.
func TestEmbeddedBesideFieldsLikeIt(t *testing.T) {
	type request struct {
		ID string `query:"id"`
		Inner
		_Inner
		Embedded_Inner   string
		Embedded__Inner  string
		Embedded___Inner string
	}
	url := start(t, "POST /x", httpkit.NewHandler(echo[request], httpkit.DecodeStrictJSON, httpkit.EncodeJSON))
	body := `{"A":"1","B":"2","Embedded_Inner":"3","Embedded__Inner":"4","Embedded___Inner":"5"}`
	if got, want := post(t, url+"/x?id=0", body).body, `{"ID":"0",`+body[1:]; strings.TrimSpace(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
