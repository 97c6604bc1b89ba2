package testserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// healthy reports why the answer to a GET does not hold that text.
func healthy(ctx context.Context, url string, text []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	body, err := do(req)
	if err == nil && !bytes.Contains(body, text) {
		err = errors.New(string(body))
	}
	return err
}

// do keeps no connection: the server may be gone at the next call.
func do(req *http.Request) ([]byte, error) {
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}
