package httpkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type clientOrder struct {
	Tenant string        `header:"X-Tenant"`
	ID     string        `path:"id"`
	Tags   []string      `query:"tag"`
	Limit  *int          `query:"limit"`
	Wait   time.Duration `query:"wait"`
	Name   string        `json:"name"`
	Items  []int         `json:"items"`
}

func TestClientRoundTrip(t *testing.T) {
	three := 3
	tests := []clientOrder{
		{ID: "1"},
		{ID: "a/b", Name: `"quoted" <html>`, Items: []int{1, 2}},
		{ID: "ü ?&=%2F;", Tenant: "acme, inc.", Tags: []string{"a&b", "", "ü"}, Limit: &three, Wait: time.Second},
		{ID: "a..b", Tenant: "x"},
	}
	echo := func(_ context.Context, o clientOrder) (clientOrder, error) { return o, nil }
	mux := http.NewServeMux()
	mux.Handle("PUT /v1/orders/{id}/items", httpkit.NewHandler(echoOrder(echo), httpkit.DecodeJSON, httpkit.EncodeJSON))
	base, connections := serve(t, mux.ServeHTTP)
	put := httpkit.NewEndpoint[clientOrder, wholeOrder](dial(t, base+"/v1/"), "PUT /orders/{id}/items")
	for _, want := range tests {
		got, err := put(t.Context(), want)
		if err != nil {
			t.Errorf("%+v: %v", want, err)
			continue
		}
		if !reflect.DeepEqual(clientOrder(got), want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if n := connections.Load(); n == int64(len(tests)) { // see TestClientReusesConnections
		t.Errorf("%d connections for as many calls one after the other", n)
	}
}

// wholeOrder is an clientOrder of which all fields travel in the body.
type wholeOrder struct {
	Tenant string
	ID     string
	Tags   []string
	Limit  *int
	Wait   time.Duration
	Name   string
	Items  []int
}

func echoOrder(e endpoint.Endpoint[clientOrder, clientOrder]) endpoint.Endpoint[clientOrder, wholeOrder] {
	return func(ctx context.Context, o clientOrder) (wholeOrder, error) {
		o, err := e(ctx, o)
		return wholeOrder(o), err
	}
}

func TestClientRequest(t *testing.T) {
	var got *http.Request
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got = r
		_, _ = w.Write([]byte(`{}`))
	})
	c := dial(t, base, httpkit.ClientTimeout(time.Minute), httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) {
		again, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		if text, _ := io.ReadAll(again); string(text) != `{"text":"hi"}` {
			t.Errorf("GetBody gives %q", text)
		}
		return r, nil
	}))
	ctx := call.With(t.Context(), call.RequestID("r-1"), call.CorrelationID("c-1"), call.Attempt(3, nil),
		call.Value("X-Team", "blue"))
	if _, err := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")(ctx, clientWord{"hi"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, application/problem+json",
		"X-Request-Id": "r-1", "X-Correlation-Id": "c-1", "X-Request-Retries": "2", "X-Team": "blue",
	}
	for key, value := range want {
		if g := got.Header.Get(key); g != value {
			t.Errorf("%s is %q, want %q", key, g, value)
		}
	}
	if g := got.Header.Get(call.TimeoutKey); !strings.HasPrefix(g, "59") && g != "60000" {
		t.Errorf("what is left of a minute is sent as %q", g)
	}
	if got.ContentLength != 13 || len(got.TransferEncoding) > 0 {
		t.Errorf("length %d, encoding %q", got.ContentLength, got.TransferEncoding)
	}
	foreign := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x", httpkit.Foreign())
	if _, err := foreign(ctx, clientWord{"hi"}); err != nil {
		t.Fatal(err)
	}
	for key := range got.Header {
		if strings.HasPrefix(key, "X-") {
			t.Errorf("%s is sent to strangers", key)
		}
	}
}

func TestClientErrorsSurviveTheTrip(t *testing.T) {
	errs := []*endpoint.Error{
		{Code: endpoint.NotFound, Message: "no such order", Reason: "NO_ORDER"},
		{Code: endpoint.ResourceExhausted, Message: "slow down", RetryAfter: 1500 * time.Millisecond, NotProcessed: true},
		{Code: endpoint.FailedPrecondition, Message: "not paid"},
		{Code: endpoint.DataLoss, Message: "gone"},
		{Code: endpoint.Aborted, Message: "conflict"},
	}
	for _, want := range errs {
		fail := func(context.Context, clientWord) (clientWord, error) { return clientWord{}, want }
		base := start(t, "POST /x", httpkit.NewHandler(fail, httpkit.DecodeJSON, httpkit.EncodeJSON))
		_, err := httpkit.NewEndpoint[clientWord, clientWord](dial(t, base), "POST /x")(t.Context(), clientWord{})
		got, ok := errors.AsType[*endpoint.Error](err)
		if !ok || !errors.Is(err, want) || got.RetryAfter != want.RetryAfter || got.NotProcessed != want.NotProcessed ||
			!got.Outgoing || got.Local {
			t.Errorf("got %#v, want %#v", err, want)
		}
	}
}

func TestClientStatus(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    endpoint.Code
		cause                   string
	}{
		{"created", "application/json", `{"text":"x"}`, 201, endpoint.OK, ""},
		{"no content", "", "", 204, endpoint.OK, ""},
		{"reset content", "", "", 205, endpoint.OK, ""},
		{"any JSON type", "application/vnd.api+json", `{"text":"x"}` + "\r\n", 200, endpoint.OK, ""},
		{"proxy", "text/html", "<h1>Bad Gateway</h1>", 502, endpoint.Unavailable, "<h1>"},
		{"text", "text/plain", "no such page", 404, endpoint.NotFound, "no such page"},
		{"nothing", "", "", 401, endpoint.Unauthenticated, "401 Unauthorized"},
		{"someone's problem", "application/problem+json", `{"title":"x"}`, 409, endpoint.Aborted, "title"},
		{"broken problem", "application/problem+json", `{"code":`, 503, endpoint.Unavailable, "code"},
		{"long", "text/plain", strings.Repeat("x", 1<<20), 500, endpoint.Internal, "xxx"},
		{"moved", "", "", 301, endpoint.Unknown, "301"},
		{"not modified", "", "", 304, endpoint.Unknown, "304"},
		{"empty", "application/json", "", 200, endpoint.Internal, "empty"},
		{"spaces", "application/json", " \n", 200, endpoint.Internal, "empty"},
		{"page", "text/html", "<html>", 200, endpoint.Internal, `"text/html"`},
		{"truncated", "application/json", `{"text":"x`, 200, endpoint.Internal, "unexpected end"},
		{"trailing", "application/json", `{"text":"x"}{}`, 200, endpoint.Internal, "after top-level"},
		{"wrong type", "application/json", `{"text":1}`, 200, endpoint.Internal, "number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, connections := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			e := httpkit.NewEndpoint[clientWord, clientWord](dial(t, base), "POST /x")
			const calls = 3
			for range calls {
				got, err := e(t.Context(), clientWord{})
				checkFailure(t, err, tt.code, tt.cause)
				if err != nil && got != (clientWord{}) {
					t.Errorf("a response beside an error: %v", got)
				}
			}
			if n := connections.Load(); n == calls && tt.name != "long" { // see TestClientReusesConnections
				t.Errorf("%d connections for as many calls one after the other", n)
			}
		})
	}
}

// checkFailure checks code and cause, and that nothing foreign is in the message.
func checkFailure(t *testing.T, err error, code endpoint.Code, cause string) {
	t.Helper()
	if endpoint.CodeOf(err) != code {
		t.Errorf("got %v, want %v", err, code)
	}
	if err == nil {
		return
	}
	e, ok := errors.AsType[*endpoint.Error](err)
	if !ok || !e.Outgoing || e.NotProcessed {
		t.Errorf("got %#v", err)
	}
	if !strings.Contains(err.Error(), cause) || len(err.Error()) > 1200 {
		t.Errorf("%q does not name the cause %q, or is too long", err, cause)
	}
	if m := endpoint.Public(err).Message; m != httpkit.Neutral(code) {
		t.Errorf("the message %q would go on to a caller", m)
	}
}

func TestClientNothing(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	c := dial(t, base)
	if _, err := httpkit.NewEndpoint[struct{}, struct{}](c, "POST /x")(t.Context(), struct{}{}); err != nil {
		t.Error(err)
	}
	if _, err := httpkit.NewEndpoint[struct{}, clientWord](c, "HEAD /x")(t.Context(), struct{}{}); err != nil {
		t.Error(err)
	}
	_, err := httpkit.NewEndpoint[*clientOrder, clientWord](c, "PUT /{id}")(t.Context(), nil)
	if e, _ := errors.AsType[*endpoint.Error](err); e == nil || e.Code != endpoint.InvalidArgument || !e.Local {
		t.Errorf("got %v", err)
	}
}

func TestClientBadRequests(t *testing.T) {
	c := dial(t, "http://"+refusedAddr(t))
	put := httpkit.NewEndpoint[clientOrder, clientWord](c, "PUT /{id}")
	files := httpkit.NewEndpoint[clientFile, clientWord](c, "GET /files/{name...}")
	for _, o := range []clientOrder{{ID: ""}, {ID: ".."}, {ID: "x", Tenant: "a\nb"}} {
		_, err := put(t.Context(), o)
		if e, _ := errors.AsType[*endpoint.Error](err); e == nil || e.Code != endpoint.InvalidArgument || !e.Local || !e.Outgoing {
			t.Errorf("%+v: got %v", o, err)
		}
	}
	for _, name := range []string{"", "/a", "a//b", "a/../b", "a/."} {
		if _, err := files(t.Context(), clientFile{name}); endpoint.CodeOf(err) != endpoint.InvalidArgument {
			t.Errorf("%q: got %v", name, err)
		}
	}
	broken := httpkit.NewEndpoint[map[string]any, clientWord](c, "POST /x")
	_, err := broken(t.Context(), map[string]any{"f": func() {}})
	if e, _ := errors.AsType[*endpoint.Error](err); e == nil || e.Code != endpoint.Internal || !e.Local {
		t.Errorf("got %v", err)
	}
}

type clientFile struct {
	Name string `path:"name"`
}

func TestClientConcurrentSafe(t *testing.T) {
	upper := func(_ context.Context, w clientWord) (clientWord, error) {
		return clientWord{strings.ToUpper(w.Text)}, nil
	}
	base := start(t, "POST /x", httpkit.NewHandler(upper, httpkit.DecodeJSON, httpkit.EncodeJSON))
	c := dial(t, base)
	e := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := e(t.Context(), clientWord{"abc"}); err != nil || got.Text != "ABC" {
					t.Errorf("got %v, %v", got, err)
				}
			}
			_ = c.Close()
		})
	}
	wg.Wait()
}
