package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// printed are the metrics that are printed, of many more: the calls by method and code,
// and what front and orders did about slow and failed ones.
var printed = []string{
	"rpc_server_call_duration_seconds_count",
	"dowel_hedge_attempts_total", "dowel_hedge_won_attempts_total", "dowel_retry_attempts_total",
}

// printMetrics asks each instance for its metrics, as a Prometheus server does.
func printMetrics(ctx context.Context, out io.Writer, instances []Instance) error {
	for _, in := range instances {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.Addr+"/metrics", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, _, _ := strings.Cut(lines.Text(), "{")
			if slices.Contains(printed, name) {
				fmt.Fprintf(out, "    %-10s  %s\n", in.Name, lines.Text())
			}
		}
		resp.Body.Close()
	}
	return nil
}

func printHowToLook(out io.Writer, instances []Instance) {
	var targets []string
	for _, in := range instances {
		targets = append(targets, in.Addr)
	}
	front := instances[len(instances)-1].Addr
	fmt.Fprintf(out, `
still serving, with some load. For a Prometheus server:

    global: {scrape_interval: 5s}
    scrape_configs:
    - job_name: observed
      static_configs: [{targets: [%s]}]

Try

    curl http://%s/metrics
    curl -i --json '{"item": "cup of tea", "cents": 250}' http://%s/front/Buy

End with Ctrl-C.
`, strings.Join(targets, ", "), front, front)
}
