package httpkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type Paging struct {
	Limit int `json:"limit"`
}

type order struct {
	Paging
	Name   string            `json:"name"`
	Count  int8              `json:"count"`
	Price  float64           `json:"price"`
	Open   bool              `json:"open"`
	Lines  []orderLine       `json:"lines"`
	Labels map[string]Paging `json:"labels"`
	At     time.Time         `json:"at"`
	Hash   []byte            `json:"hash"`
}

type orderLine struct {
	SKU string `json:"sku"`
}

func echo[T any](_ context.Context, v T) (T, error) { return v, nil }

// goNames are words that would tell a caller that the server is written in Go.
var goNames = []string{"Go ", "json:", "struct", "Paging", "orderLine", "httpkit", "int8", "float64", "time.", "Time.", "reflect", "Embedded"}

func TestDecodeJSONBadBody(t *testing.T) {
	url := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON))
	tests := []struct{ name, body, want string }{
		{"empty", ``, "needs a JSON body"},
		{"blank", " \n ", "needs a JSON body"},
		{"malformed", `{"name":}`, "not valid JSON: invalid character '}'"},
		{"truncated", `{"name":"a"`, "not valid JSON: unexpected end"},
		{"not JSON", `name=a`, "not valid JSON"},
		{"a second value", `{"name":"a"} {}`, "not valid JSON: invalid character '{' after top-level value"},
		{"deep", strings.Repeat("[", 100_000), "not valid JSON"},
		{"not an object", `[]`, "the body must be an object, not an array"},
		{"a string for a number", `{"count":"x"}`, `member "count" must be a whole number of 8 bits, not a string`},
		{"too large a number", `{"count":300}`, `member "count" must be a whole number of 8 bits, not the number 300`},
		{"a fraction", `{"count":1.5}`, `member "count" must be a whole number of 8 bits, not the number 1.5`},
		{"a number for a string", `{"name":1}`, `member "name" must be a string, not a number`},
		{"a number for a bool", `{"open":1}`, `member "open" must be true or false, not a number`},
		{"a bool for a number", `{"price":true}`, `member "price" must be a number of 64 bits, not true or false`},
		{"an object for an array", `{"lines":{}}`, `member "lines" must be an array, not an object`},
		{"inside an array", `{"lines":[{"sku":1}]}`, `member "lines.sku" must be a string, not a number`},
		{"inside a map", `{"labels":{"k":{"limit":"x"}}}`, `member "labels.limit" must be a whole number`},
		{"of an embedded struct", `{"limit":"x"}`, `member "limit" must be a whole number of 64 bits, not a string`},
		{"text of a text type", `{"at":"yesterday"}`, "a value that is not valid"},
		{"another type for a text type", `{"at":1}`, "a value that is not valid"},
		{"broken base64", `{"hash":"???"}`, "a value that is not valid"},
		{"a number for base64", `{"hash":5}`, `member "hash" must be a string in base64, not a number`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := post(t, url+"/orders", test.body).problem(t, 400, endpoint.InvalidArgument)
			if !strings.Contains(p.Detail, test.want) {
				t.Errorf("the message is %q, want %q in it", p.Detail, test.want)
			}
			for _, name := range goNames {
				if strings.Contains(p.Detail, name) {
					t.Errorf("the message %q holds the Go name %q", p.Detail, name)
				}
			}
		})
	}
}

func TestDecodeJSONBoundsItsMessage(t *testing.T) {
	url := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeStrictJSON, httpkit.EncodeJSON))
	long := strings.Repeat("9", 100_000)
	for _, body := range []string{`{"count":` + long + `}`, `{"x` + long + `":1}`} {
		if a := post(t, url+"/orders", body); len(a.body) > 500 {
			t.Errorf("the answer has %d bytes", len(a.body))
		} else {
			a.problem(t, 400, endpoint.InvalidArgument)
		}
	}
}

func TestDecodeJSONContentType(t *testing.T) {
	url := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON))
	for contentType, ok := range map[string]bool{
		"application/json": true, "Application/JSON; charset=utf-8": true, "application/vnd.acme+json": true,
		"": false, "text/plain": false, "application/x-www-form-urlencoded": false, "application/jsonp": false,
		"multipart/form-data; boundary=x": false, "application/json; =": false, ";": false,
	} {
		a := post(t, url+"/orders", `{}`, "Content-Type", contentType)
		if ok && a.StatusCode != 200 {
			t.Errorf("%q: status %d: %s", contentType, a.StatusCode, a.body)
		}
		if !ok {
			a.problem(t, 415, endpoint.InvalidArgument)
		}
	}
	post(t, url+"/orders", "\x1f\x8b", "Content-Encoding", "gzip").problem(t, 415, endpoint.InvalidArgument)
}

func TestDecodeJSONWithoutABody(t *testing.T) {
	url := start(t, "/orders", httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON))
	p := get(t, url+"/orders").problem(t, 400, endpoint.InvalidArgument)
	if want := "the request needs a JSON body"; p.Detail != want {
		t.Errorf("the message is %q, want %q", p.Detail, want)
	}
}

func TestDecodeStrictJSON(t *testing.T) {
	strict := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeStrictJSON, httpkit.EncodeJSON))
	lax := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON))
	none := start(t, "POST /orders", httpkit.NewHandler(echo[struct{}], httpkit.DecodeStrictJSON, httpkit.EncodeJSON))
	tests := []struct{ name, url, query, body, want string }{
		{"known", strict, "", `{"name":"a"}`, ""},
		{"unknown member", strict, "", `{"nmae":"a"}`, `the body has a member "nmae", which is not known`},
		{"unknown parameter", strict, "?limt=1", `{}`, `query parameter "limt" is not known`},
		{"trailing data", strict, "", `{} {}`, "data after its JSON value"},
		{"truncated", strict, "", `{"name`, "ends before its end"},
		{"no body wanted, none sent", none, "", ``, ""},
		{"no body wanted, one sent", none, "", `{"x":1}`, `a member "x", which is not known`},
		{"lax ignores both", lax, "?limt=1", `{"nmae":"a"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := post(t, test.url+"/orders"+test.query, test.body)
			if test.want == "" {
				if a.StatusCode != 200 {
					t.Errorf("status %d: %s", a.StatusCode, a.body)
				}
				return
			}
			if p := a.problem(t, 400, endpoint.InvalidArgument); !strings.Contains(p.Detail, test.want) {
				t.Errorf("the message is %q, want %q in it", p.Detail, test.want)
			}
		})
	}
}

func TestMaxBody(t *testing.T) {
	h := httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.MaxBody(20))
	url := start(t, "POST /orders", h) + "/orders"
	if a := post(t, url, `{"name":"123456789"}`); a.StatusCode != 200 {
		t.Errorf("a body of the limit's size is answered with %d: %s", a.StatusCode, a.body)
	}
	p := post(t, url, `{"name":"1234567890"}`).problem(t, 413, endpoint.InvalidArgument)
	if want := "the body is larger than 20 bytes"; p.Detail != want {
		t.Errorf("the message is %q, want %q", p.Detail, want)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, io.MultiReader(strings.NewReader(`{"name":"1234567890"}`)))
	r.Header.Set("Content-Type", "application/json")
	if a := send(t, r, err); a.Request.ContentLength != 0 {
		t.Error("the body was not chunked")
	} else {
		a.problem(t, 413, endpoint.InvalidArgument)
	}
}

func TestDefaultMaxBody(t *testing.T) {
	url := start(t, "POST /s", httpkit.NewHandler(echo[string], httpkit.DecodeJSON, httpkit.EncodeJSON)) + "/s"
	fits := `"` + strings.Repeat("a", httpkit.DefaultMaxBody-2) + `"`
	if a := post(t, url, fits); a.StatusCode != 200 || a.body != fits+"\n" {
		t.Errorf("1 MiB is answered with %d and %d bytes", a.StatusCode, len(a.body))
	}
	post(t, url, fits+" ").problem(t, 413, endpoint.InvalidArgument)
}

// A caller whose body ends before its length has not hung up: it waits.
func TestBodyEndsBeforeItsLength(t *testing.T) {
	url := start(t, "POST /orders", httpkit.NewHandler(echo[order], httpkit.DecodeJSON, httpkit.EncodeJSON))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"name\"")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(got), "HTTP/1.1 4") {
		t.Errorf("got %.100q, want a status of 4xx", got)
	}
}

func TestDecodePointerAndOtherTypes(t *testing.T) {
	pointer := httpkit.NewHandler(echo[*order], httpkit.DecodeJSON, httpkit.EncodeJSON)
	url := start(t, "POST /o", pointer) + "/o"
	for _, body := range []string{`null`, `{}`} { // null must not give the endpoint a nil pointer
		if a := post(t, url, body); a.StatusCode != 200 || !strings.HasPrefix(a.body, "{") {
			t.Errorf("%s is answered with %d %s", body, a.StatusCode, a.body)
		}
	}
	raw := httpkit.NewHandler(echo[json.RawMessage], httpkit.DecodeJSON, httpkit.EncodeJSON)
	if a := post(t, start(t, "POST /o", raw)+"/o", `[1, 2]`); a.body != "[1,2]\n" {
		t.Errorf("a raw message comes back as %q", a.body)
	}
	slice := httpkit.NewHandler(echo[[]int], httpkit.DecodeStrictJSON, httpkit.EncodeJSON)
	if a := post(t, start(t, "POST /o", slice)+"/o", `[1,2]`); a.body != "[1,2]\n" {
		t.Errorf("a slice comes back as %q", a.body)
	}
}

func TestDecodeNothing(t *testing.T) {
	h := httpkit.NewHandler(echo[order], httpkit.DecodeNothing, httpkit.EncodeNothing)
	a := post(t, start(t, "POST /o", h)+"/o", `}{`, "Content-Type", "text/plain")
	if a.StatusCode != 204 || a.body != "" {
		t.Errorf("got %d %q, want 204 and no body", a.StatusCode, a.body)
	}
}
