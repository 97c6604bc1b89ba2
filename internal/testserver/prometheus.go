package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// A Prometheus is a Prometheus server. It is used as [Server] is.
type Prometheus struct{ *Server }

// NewPrometheus starts a Prometheus that ends with the test. It scrapes /metrics of
// these addresses every second, beginning some five seconds after its start. They have
// as long to answer, which a busy machine needs.
func NewPrometheus(t testing.TB, targets ...string) *Prometheus {
	t.Helper()
	path := get(t, servers.Prometheus, "")
	s := newServer(t, "prometheus")
	addr := Ports(t, 1)[0]
	list, err := json.Marshal(targets)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "prometheus.yml")
	config := fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs:
- job_name: test
  static_configs: [{targets: %s}]
`, list)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(program{
		name: "prometheus",
		addr: addr,
		path: path,
		args: []string{
			"--config.file", file, "--storage.tsdb.path", s.data(), "--web.listen-address", addr, "--log.level", "warn",
		},
		ready: func(ctx context.Context) error { return healthy(ctx, "http://"+addr+"/-/ready", []byte("Ready")) },
	})
	return &Prometheus{s}
}

// A Sample is a value of a series now. The labels hold its name as "__name__".
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query answers a query in Prometheus's language whose result is a vector. It is safe
// for concurrent use.
func (p *Prometheus) Query(ctx context.Context, expr string) ([]Sample, error) {
	query := url.Values{"query": {expr}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr()+"/api/v1/query?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	body, err := do(req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // the time, and the value as text
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%w: %s", err, body)
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("query %q: %s: %s", expr, answer.Status, answer.Error)
	}
	var samples []Sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		samples = append(samples, Sample{r.Metric, value})
	}
	return samples, nil
}
