package zipkin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	spansPath = "/api/v2/spans"
	// timeout bounds one batch. The batcher of OpenTelemetry's SDK allows 30 s, in which
	// new spans would overflow its queue.
	timeout = 10 * time.Second
	// maxDrain is how much of an answer is read so that its connection can be used again.
	maxDrain = 64 << 10
)

// ErrShutdown is what an [Exporter] says of spans that come after its Shutdown.
var ErrShutdown = errors.New("zipkin: the exporter is shut down")

// Exporter sends spans to a Zipkin server, each batch once: what the server does not
// take is lost. It is safe for concurrent use and is made by [NewExporter].
type Exporter struct {
	url    string
	client *http.Client
	owned  *http.Transport // nil if the client is the user's
	down   atomic.Bool
}

var _ sdk.SpanExporter = (*Exporter)(nil)

// NewExporter returns an exporter for the server at url: "http://zipkin:9411", or with
// the path if that is not /api/v2/spans. Requests are made by client, which is used as
// it is; if it is nil, by one of the exporter's own that takes 10 s at most. All faults
// of the URL are one error.
func NewExporter(url string, client *http.Client) (*Exporter, error) {
	e, err := newExporter(url, client)
	if err != nil {
		return nil, fmt.Errorf("zipkin: NewExporter: %w", err)
	}
	return e, nil
}

func newExporter(base string, client *http.Client) (*Exporter, error) {
	target, err := parse(base)
	if err != nil {
		return nil, err
	}
	e := &Exporter{url: target, client: client}
	if client == nil {
		e.owned = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 50 * time.Second,
		}
		e.client = &http.Client{Transport: e.owned, Timeout: timeout}
	}
	return e, nil
}

func parse(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("the URL is malformed: %w", hide(err))
	}
	var faults []error
	if u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("the URL must begin with http:// or https://, not %q", u.Scheme+":"))
	}
	if u.Hostname() == "" {
		faults = append(faults, errors.New("the URL has no host"))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = spansPath
	}
	return u.String(), errors.Join(faults...)
}

// ExportSpans sends the spans in one request. It returns [ErrShutdown] after Shutdown.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if e.down.Load() {
		return ErrShutdown
	}
	if len(spans) == 0 {
		return nil
	}
	batch := make([]span, len(spans))
	for i, s := range spans {
		batch[i] = spanOf(s)
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("zipkin: %w", err)
	}
	return e.send(ctx, body)
}

func (e *Exporter) send(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("zipkin: %w", hide(err))
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(r)
	if err != nil {
		return fmt.Errorf("zipkin: %w", hide(err))
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	if last := resp.Request; last != nil && last.Method != http.MethodPost {
		// By a redirect that takes no body along: whatever the answer, it is of no spans.
		return errors.New("zipkin: the server redirects to another URL, and spans do not go with that")
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("zipkin: the server answered %s", resp.Status)
	}
	return nil
}

// hide leaves the URL out of an error, since it may hold a password.
func hide(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Shutdown closes the idle connections, unless the client is the user's. What is being
// sent is not cut off. It may be called more than once, and never fails.
func (e *Exporter) Shutdown(context.Context) error {
	e.down.Store(true)
	if e.owned != nil {
		e.owned.CloseIdleConnections()
	}
	return nil
}
