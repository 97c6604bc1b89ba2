package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Tally counts what the table at the end shows.
type Tally struct {
	Calls    atomic.Int64 // made by the caller
	Failures atomic.Int64 // seen by the caller
	Wrong    atomic.Int64 // answers that were not right
	Retries  atomic.Int64
	Refused  atomic.Int64 // by breakers

	mu        sync.Mutex
	instances map[string]*Row
}

// Row counts the calls to one instance.
type Row struct {
	Calls, Errors, Nanoseconds atomic.Int64
}

// Instance returns the row of an instance.
func (t *Tally) Instance(id string) *Row {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.instances == nil {
		t.instances = map[string]*Row{}
	}
	if t.instances[id] == nil {
		t.instances[id] = new(Row)
	}
	return t.instances[id]
}

// Retry counts a retry, and whether a breaker was the reason.
func (t *Tally) Retry(_ context.Context, _ int, err error) {
	t.Retries.Add(1)
	if endpoint.IsLocal(err) {
		t.Refused.Add(1)
	}
}

// measure is a middleware of our own: what one looks like in full.
func measure[Req, Resp any](row *Row, next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) {
		start := time.Now()
		resp, err := next(ctx, req)
		row.Calls.Add(1)
		row.Nanoseconds.Add(int64(time.Since(start)))
		if endpoint.Fault(ctx, err) {
			row.Errors.Add(1)
		}
		return resp, err
	}
}

// Print writes the table.
func (t *Tally) Print(w io.Writer, servers []*Server) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "instance\taddress\twhat happened\tcalls\tfaults\tmean latency\t")
	limited := uint64(0)
	for _, s := range servers {
		row := t.Instance(s.Name)
		mean := time.Duration(0)
		if n := row.Calls.Load(); n > 0 {
			mean = time.Duration(row.Nanoseconds.Load() / n)
		}
		limited += s.limited.Refused()
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%d\t%v\t\n",
			s.Name, s.Addr, s.Fate, row.Calls.Load(), row.Errors.Load(), mean.Round(10*time.Microsecond))
	}
	tw.Flush()
	fmt.Fprintf(w, "\n%d calls   %d failures seen by the caller   %d wrong answers\n",
		t.Calls.Load(), t.Failures.Load(), t.Wrong.Load())
	fmt.Fprintf(w, "%d retries   %d refusals by breakers   %d refusals by rate limits\n",
		t.Retries.Load(), t.Refused.Load(), limited)
}
