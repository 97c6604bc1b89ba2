package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// journal is what a JSON handler wrote.
type journal struct{ bytes.Buffer }

func (j *journal) handler(level slog.Level) slog.Handler {
	return slog.NewJSONHandler(j, &slog.HandlerOptions{AddSource: true, Level: level})
}

// records returns what was written since the last time.
func (j *journal) records(t *testing.T) (all []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(&j.Buffer); d.More(); {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// record returns the only record, without the time.
func (j *journal) record(t *testing.T) map[string]any {
	t.Helper()
	all := j.records(t)
	if len(all) != 1 {
		t.Fatalf("there are %d records, want 1: %v", len(all), all)
	}
	delete(all[0], slog.TimeKey)
	return all[0]
}

func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

type order struct{ Card string }

type receipt struct{ Token string }

var errLimit = &endpoint.Error{Code: endpoint.ResourceExhausted, Local: true, NotProcessed: true}

// shop is a service whose methods do what the card says.
type shop struct{}

func (shop) Pay(ctx context.Context, o order) (receipt, error) {
	time.Sleep(1500 * time.Microsecond)
	switch o.Card {
	case "expired":
		return receipt{}, &endpoint.Error{
			Code: endpoint.FailedPrecondition, Message: "the card is expired", Err: errors.New("bank said 54"),
		}
	case "broken":
		return receipt{}, errors.New("disk full")
	case "refused":
		return receipt{}, errLimit
	case "panic":
		panic("no till")
	}
	return receipt{"tok-" + o.Card}, nil
}

// incoming returns the context of a call as a server's transport makes it.
func incoming(ctx context.Context) context.Context {
	return call.With(ctx,
		call.RequestID("r-1"), call.CorrelationID("c-1"), call.Peer("192.0.2.7:4711"),
		call.Caller("alice@example.com"), call.Key("alice"), call.Value("X-Tenant", "acme"),
		call.Value(call.BaggageKey, "user=alice"))
}
