package rows

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	kit "github.com/go-kit/kit/endpoint"
	kithttp "github.com/go-kit/kit/transport/http"
)

// KitServer is [Greet] by Go kit.
func KitServer() http.Handler {
	decode := func(_ context.Context, r *http.Request) (any, error) {
		var m Message
		err := json.NewDecoder(r.Body).Decode(&m)
		return m, err
	}
	return kithttp.NewServer(KitGreet, decode, kithttp.EncodeJSONResponse)
}

// KitClient calls by Go kit.
func KitClient(base string) (kit.Endpoint, func(), error) {
	target, err := url.Parse(base + path)
	if err != nil {
		return nil, nil, err
	}
	decode := func(_ context.Context, r *http.Response) (any, error) {
		if r.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the answer is %s", r.Status)
		}
		var m Message
		err := json.NewDecoder(r.Body).Decode(&m)
		return m, err
	}
	c := newHTTPClient()
	e := kithttp.NewClient(http.MethodPost, target, kithttp.EncodeJSONRequest, decode, kithttp.SetClient(c)).Endpoint()
	return e, c.CloseIdleConnections, nil
}
