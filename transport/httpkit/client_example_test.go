package httpkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type getUser struct {
	ID     string `path:"id"`
	Fields string `query:"fields"`
}

type user struct {
	Name string `json:"name"`
}

func userServer() *httptest.Server {
	find := func(_ context.Context, r getUser) (user, error) {
		if r.ID != "42" {
			return user{}, &endpoint.Error{Code: endpoint.NotFound, Message: "no such user", Reason: "NO_USER"}
		}
		return user{Name: "Ada"}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", httpkit.NewHandler(find, httpkit.DecodeJSON, httpkit.EncodeJSON))
	return httptest.NewServer(mux)
}

func ExampleNewEndpoint() {
	server := userServer()
	defer server.Close()

	client, err := httpkit.NewClient(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	find := httpkit.NewEndpoint[getUser, user](client, "GET /users/{id}")

	found, err := find(context.Background(), getUser{ID: "42", Fields: "name"})
	fmt.Println(found.Name, err)
	_, err = find(context.Background(), getUser{ID: "43"})
	fmt.Println(endpoint.CodeOf(err), errors.Is(err, &endpoint.Error{Code: endpoint.NotFound, Reason: "NO_USER"}))
	// Output:
	// Ada <nil>
	// not_found true
}

func ExampleNewClient() {
	_, err := httpkit.NewClient("localhost:8080", httpkit.ClientTimeout(-time.Second))
	fmt.Println(err)
	// Output:
	// httpkit: NewClient: the base URL must begin with http:// or https://, not "localhost:"
	// the base URL has no host
	// ClientTimeout: must not be negative: -1s
}

func ExampleNewCodecEndpoint() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, _ = w.Write(bytes.ToUpper(text))
	}))
	defer server.Close()
	client, err := httpkit.NewClient(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	upper := httpkit.NewCodecEndpoint(client, "POST /upper",
		func(r *http.Request, text string) error {
			httpkit.SetBody(r, "text/plain; charset=utf-8", []byte(text))
			return nil
		},
		func(resp *http.Response) (string, error) {
			text, err := io.ReadAll(resp.Body)
			return string(text), err
		})
	fmt.Println(upper(context.Background(), "gopher"))
	// Output: GOPHER <nil>
}

func ExampleClientBefore() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name":%q}`, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	client, err := httpkit.NewClient(server.URL, httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) {
		r.Header.Set("Authorization", "Bearer t0ken")
		return r, nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	who, err := httpkit.NewEndpoint[struct{}, user](client, "GET /whoami")(context.Background(), struct{}{})
	fmt.Println(who.Name, err)
	// Output: Bearer t0ken <nil>
}
