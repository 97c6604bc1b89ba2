package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/tracing"
)

// Each request has one request ID, correlation ID and trace in the logs of all hops,
// through a retry and a hedge, and shares them with no other that is on its way.
func TestTheLogsOfAllHopsAgreeOnWhoseRequestItIs(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	var journal journal
	s := &shop{t: t, journal: &journal, tracing: map[string][]tracing.Option{}}
	for _, service := range services {
		s.tracing[service] = []tracing.Option{tracing.Provider(provider)}
	}
	buy := s.open()
	const requests = 10
	var users sync.WaitGroup
	for i := range requests {
		users.Go(func() {
			opts := []call.Option{call.CorrelationID(fmt.Sprintf("basket %d", i))}
			if i%2 == 0 { // or else front gives it one
				opts = append(opts, call.RequestID(fmt.Sprintf("request %d", i)))
			}
			item := fmt.Sprintf("item %d", i)
			if got, err := buy(call.With(t.Context(), opts...), item); got != item+" is yours" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	users.Wait()
	s.close()
	traces := map[string]bool{}
	for _, s := range spans.GetSpans() {
		if !s.Parent.IsValid() {
			traces[s.SpanContext.TraceID().String()] = true
		}
	}

	type identity struct{ request, correlation, trace string }
	whose, records := map[identity]map[string]int{}, 0
	byRequest, byTrace, items := map[string]int{}, map[string]int{}, map[string]identity{}
	for d := json.NewDecoder(&journal.text); d.More(); records++ {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		text := func(key string) string { value, _ := m[key].(string); return value }
		id := identity{text(log.RequestIDKey), text(log.CorrelationIDKey), text(tracing.TraceIDKey)}
		if id.request == "" || !traces[id.trace] {
			t.Errorf("the record is of no request, or of no trace that began: %v", m)
		}
		if item := text("item"); item != "" {
			if was, ok := items[item]; ok && was != id {
				t.Errorf("%s is %v to one hop and %v to another", item, was, id)
			}
			items[item] = id
		}
		if whose[id] == nil {
			whose[id] = map[string]int{}
			byRequest[id.request]++
			byTrace[id.trace]++
		}
		whose[id][text("service")]++
	}
	// Each server that is called has two records, and bank is called four times.
	want := map[string]int{"front": 2, "orders": 2, "bank": 8}
	for id, hops := range whose {
		if !maps.Equal(hops, want) {
			t.Errorf("%v has %v records, want %v", id, hops, want)
		}
	}
	for i := range requests {
		id := items[fmt.Sprintf("item %d", i)]
		if id.correlation != fmt.Sprintf("basket %d", i) || i%2 == 0 && id.request != fmt.Sprintf("request %d", i) {
			t.Errorf("item %d is %v", i, id)
		}
	}
	if len(whose) != requests || len(byRequest) != requests || len(byTrace) != requests {
		t.Errorf("%d identities, %d request IDs and %d traces of %d requests", len(whose), len(byRequest), len(byTrace), requests)
	}
}

// journal is written by several handlers, each of which has a lock of its own.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}
