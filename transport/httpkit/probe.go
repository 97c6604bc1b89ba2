package httpkit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/dowelkit/dowel/sd"
)

// Probe returns a probe for [sd.HealthCheck]: an instance is healthy if it answers
// GET path with 2xx. Each probe makes a connection of its own, over plain HTTP,
// and bypasses proxies: an instance that accepts no new connections is not
// healthy. The context bounds it. It is safe for concurrent use.
//
// Probe panics if path does not begin with a slash.
func Probe(path string) func(ctx context.Context, in *sd.Instance) error {
	if !strings.HasPrefix(path, "/") {
		panic(fmt.Sprintf("httpkit: Probe: the path %q does not begin with a slash", path))
	}
	transport := newTransport()
	transport.Proxy = nil
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport, CheckRedirect: noRedirect}
	return func(ctx context.Context, in *sd.Instance) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.Addr+path, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain) // so that the server sees no reset
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return fmt.Errorf("httpkit: probe: %s of %s answered %s", path, in.Addr, resp.Status)
		}
		return nil
	}
}
