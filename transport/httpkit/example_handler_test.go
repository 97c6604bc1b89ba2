package httpkit_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type UppercaseRequest struct {
	Text string `json:"text"`
}

type UppercaseResponse struct {
	Text string `json:"text"`
}

type StringService struct{}

func (StringService) Uppercase(_ context.Context, r UppercaseRequest) (UppercaseResponse, error) {
	if r.Text == "" {
		return UppercaseResponse{}, &endpoint.Error{Code: endpoint.InvalidArgument, Message: "the text is empty"}
	}
	return UppercaseResponse{strings.ToUpper(r.Text)}, nil
}

// do sends a request to the handler and prints the answer.
func do(h http.Handler, method, target, body string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	fmt.Println(rec.Code, strings.TrimSpace(rec.Body.String()))
}

func ExampleNewHandler() {
	var svc StringService
	mux := http.NewServeMux()
	mux.Handle("POST /uppercase", httpkit.NewHandler(svc.Uppercase, httpkit.DecodeJSON, httpkit.EncodeJSON))

	do(mux, "POST", "/uppercase", `{"text":"hello"}`)
	do(mux, "POST", "/uppercase", `{"text":""}`)
	do(mux, "POST", "/uppercase", `{"text":5}`)
	// Output:
	// 200 {"text":"HELLO"}
	// 400 {"title":"Bad Request","status":400,"detail":"the text is empty","code":"invalid_argument"}
	// 400 {"title":"Bad Request","status":400,"detail":"member \"text\" must be a string, not a number","code":"invalid_argument"}
}

// A request struct says where its fields stand: in the path, the query, a
// header, or, without such a tag, in the JSON body.
func ExampleDecodeJSON() {
	type Rename struct {
		ID     int    `path:"id"`
		DryRun bool   `query:"dry_run"`
		Tenant string `header:"X-Tenant"`
		Name   string `json:"name"`
	}
	rename := func(_ context.Context, r Rename) (string, error) {
		return fmt.Sprintf("%d becomes %s, dry run: %v", r.ID, r.Name, r.DryRun), nil
	}
	mux := http.NewServeMux()
	mux.Handle("POST /users/{id}/name", httpkit.NewHandler(rename, httpkit.DecodeJSON, httpkit.EncodeJSON))

	do(mux, "POST", "/users/7/name?dry_run=true", `{"name":"Ann"}`)
	do(mux, "POST", "/users/7/name?dry_run=maybe", `{"name":"Ann"}`)
	// Output:
	// 200 "7 becomes Ann, dry run: true"
	// 400 {"title":"Bad Request","status":400,"detail":"query parameter \"dry_run\" must be true or false","code":"invalid_argument"}
}

func ExampleDecodeStrictJSON() {
	var svc StringService
	h := httpkit.NewHandler(svc.Uppercase, httpkit.DecodeStrictJSON, httpkit.EncodeJSON)
	do(h, "POST", "/", `{"txt":"hello"}`)
	// Output:
	// 400 {"title":"Bad Request","status":400,"detail":"the body has a member \"txt\", which is not known","code":"invalid_argument"}
}

func ExampleDecodeNothing() {
	ping := func(context.Context, struct{}) (string, error) { return "pong", nil }
	do(httpkit.NewHandler(ping, httpkit.DecodeNothing, httpkit.EncodeJSON), "GET", "/", "")
	// Output: 200 "pong"
}

// A response chooses its status and headers by methods of its own.
func ExampleEncodeJSON() {
	create := func(_ context.Context, name string) (Created, error) { return Created{ID: 7, Name: name}, nil }
	h := httpkit.NewHandler(create, httpkit.DecodeJSON, httpkit.EncodeJSON,
		httpkit.After(func(_ context.Context, status int, h http.Header) { fmt.Println(status, h.Get("Location")) }))
	do(h, "POST", "/users", `"Ann"`)
	// Output:
	// 201 /users/7
	// 201 {"id":7,"name":"Ann"}
}

type Created struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

func (Created) StatusCode() int { return http.StatusCreated }

func (c Created) Headers() http.Header {
	return http.Header{"Location": {fmt.Sprintf("/users/%d", c.ID)}}
}

func ExampleEncodeNothing() {
	remove := func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }
	do(httpkit.NewHandler(remove, httpkit.DecodeNothing, httpkit.EncodeNothing), "DELETE", "/users/7", "")
	// Output: 204
}

// Codecs of one's own are plain functions.
func ExampleNewHandler_codecs() {
	decode := func(r *http.Request) ([]string, error) {
		row, err := csv.NewReader(r.Body).Read()
		if err != nil {
			return nil, httpkit.WithStatus(&endpoint.Error{
				Code: endpoint.InvalidArgument, Message: "the body is no CSV", Err: err,
			}, http.StatusUnprocessableEntity)
		}
		return row, nil
	}
	encode := func(_ context.Context, w http.ResponseWriter, n int) error {
		_, err := fmt.Fprintf(w, "%d columns", n)
		return err
	}
	count := func(_ context.Context, row []string) (int, error) { return len(row), nil }

	h := httpkit.NewHandler(count, decode, encode, httpkit.MaxBody(1<<10))
	do(h, "POST", "/", "a,b,c")
	do(h, "POST", "/", `"`)
	// Output:
	// 200 3 columns
	// 422 {"title":"Unprocessable Entity","status":422,"detail":"the body is no CSV","code":"invalid_argument"}
}

func ExampleFinally() {
	e := func(context.Context, string) (string, error) { return "", errors.New("the disk is full") }
	h := httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON,
		httpkit.Finally(func(_ context.Context, r *http.Request, o httpkit.Outcome) {
			fmt.Println(r.Method, o.Status, o.Err)
		}))
	do(h, "POST", "/", `"x"`)
	// Output:
	// POST 500 the disk is full
	// 500 {"title":"Internal Server Error","status":500,"detail":"internal error","code":"internal"}
}

func ExampleAllow() {
	e := func(ctx context.Context, _ struct{}) (string, error) {
		c := call.From(ctx)
		return c.Value("X-Tenant") + c.Value("X-Other"), nil
	}
	h := httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeJSON, httpkit.Allow("X-Tenant"))

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Tenant", "acme")
	r.Header.Set("X-Other", "not allowed")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	fmt.Print(rec.Body)
	// Output: "acme"
}

func ExampleBefore() {
	type userKey struct{}
	e := func(ctx context.Context, _ struct{}) (any, error) { return ctx.Value(userKey{}), nil }
	h := httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeJSON,
		httpkit.Before(func(ctx context.Context, r *http.Request) context.Context {
			return context.WithValue(ctx, userKey{}, r.URL.Query().Get("user"))
		}),
		httpkit.HandlerTimeout(5*time.Second))
	do(h, "GET", "/?user=ann", "")
	// Output: 200 "ann"
}

func ExampleErrorEncoder() {
	plain := func(_ context.Context, w http.ResponseWriter, err error) {
		http.Error(w, endpoint.Public(err).Message, httpkit.StatusOf(err))
	}
	e := func(context.Context, struct{}) (string, error) { return "", &endpoint.Error{Code: endpoint.NotFound} }
	do(httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeJSON, httpkit.ErrorEncoder(plain)), "GET", "/", "")
	// Output: 404 not found
}

func ExampleLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "level" || a.Key == "msg" || a.Key == "error" {
				return a
			}
			return slog.Attr{}
		},
	}))
	e := func(context.Context, struct{}) (string, error) { panic("oh") }
	do(httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeJSON, httpkit.Logger(logger)), "GET", "/", "")
	// Output:
	// level=ERROR msg="httpkit: panic in the handler" error="internal: panic: oh"
	// 500 {"title":"Internal Server Error","status":500,"detail":"internal error","code":"internal"}
}

func ExampleWithStatus() {
	err := httpkit.WithStatus(&endpoint.Error{Code: endpoint.FailedPrecondition}, http.StatusPreconditionRequired)
	fmt.Println(endpoint.CodeOf(err), httpkit.StatusOf(err))
	// Output: failed_precondition 428
}

func ExampleEncodeError() {
	err := fmt.Errorf("query failed: %w", &endpoint.Error{
		Code: endpoint.ResourceExhausted, RetryAfter: 1500 * time.Millisecond, Err: io.ErrClosedPipe,
	})
	rec := httptest.NewRecorder()
	httpkit.EncodeError(context.Background(), rec, err)
	fmt.Println(rec.Code, rec.Header().Get("Retry-After"), rec.Body)
	// Output: 429 2 {"title":"Too Many Requests","status":429,"detail":"too many calls","code":"resource_exhausted","retry_after_ms":1500}
}

func ExampleNewProblem() {
	p := httpkit.NewProblem(&endpoint.Error{Code: endpoint.NotFound, Message: "no such user", Reason: "NO_USER"})
	fmt.Println(p.Status, p.Title, p.Detail, p.Reason)
	// Output: 404 Not Found no such user NO_USER
}
