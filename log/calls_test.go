package log_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

// with returns a record of shop.Pay, changed by pairs of name and value.
func with(pairs ...any) map[string]any {
	m := map[string]any{
		"level": "INFO", "msg": "call", "method": "pay", "code": "ok", "duration_ms": 1.5,
		"request_id": "r-1", "correlation_id": "c-1", "peer": "192.0.2.7:4711",
	}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// The whole record is compared, so that nothing gets into it unseen: neither the
// request nor the response nor who called.
func TestCallsLogsOneRecord(t *testing.T) {
	for _, tt := range []struct {
		card string
		want map[string]any
	}{
		{"4111", with()},
		{"expired", with("level", "WARN", "code", "failed_precondition",
			"error", "failed_precondition: the card is expired: bank said 54")},
		{"broken", with("level", "ERROR", "code", "unknown", "error", "disk full")},
		{"refused", with("level", "WARN", "code", "resource_exhausted", "error", "resource_exhausted")},
	} {
		for name, wrap := range map[string]func(slog.Handler) slog.Handler{
			"plain":   func(h slog.Handler) slog.Handler { return h },
			"Handler": func(h slog.Handler) slog.Handler { return log.NewHandler(h) },
			"twice":   func(h slog.Handler) slog.Handler { return within{h: log.NewHandler(log.NewHandler(h))} },
		} {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				pay := log.Calls(shop{}.Pay, slog.New(wrap(j.handler(slog.LevelInfo))), "pay")
				resp, err := pay(incoming(t.Context()), order{tt.card})
				wantResp, wantErr := shop{}.Pay(t.Context(), order{tt.card})
				if resp != wantResp || !reflect.DeepEqual(err, wantErr) {
					t.Errorf("%s, %s: the call gives %v, %v", tt.card, name, resp, err)
				}
				if strings.Count(j.String(), `"request_id"`) != 1 {
					t.Errorf("%s, %s: the request ID is not there once: %s", tt.card, name, &j)
				}
				if got := j.record(t); !maps.Equal(got, tt.want) {
					t.Errorf("%s, %s:\ngot  %v\nwant %v", tt.card, name, got, tt.want)
				}
			})
		}
	}
}

func TestCallsOutsideOfACallSaysOnlyWhatItKnows(t *testing.T) {
	var j journal
	pay := log.Calls(shop{}.Pay, log.New(j.handler(slog.LevelInfo)), "pay")
	_, _ = pay(t.Context(), order{"4111"})
	if got := fmt.Sprint(keys(j.record(t))); got != "[code duration_ms level method msg]" {
		t.Error(got)
	}
}

// served is an endpoint that a balancer tried on instances in turn.
func served(err error, instances ...string) endpoint.Endpoint[order, receipt] {
	return func(ctx context.Context, _ order) (receipt, error) {
		for _, id := range instances {
			call.From(ctx).Asked(&id, &id)
		}
		return receipt{}, err
	}
}

func TestCallsNamesInstanceAndAttempts(t *testing.T) {
	failed := &endpoint.Error{Code: endpoint.Unavailable, Instance: "c"}
	for _, tt := range []struct {
		name               string
		next               endpoint.Endpoint[order, receipt]
		instance, attempts any
	}{
		{"no balancer", served(nil), nil, nil},
		{"one attempt", served(nil, "a"), "a", nil},
		{"two attempts", served(nil, "a", "b"), "b", 2.0},
		{"by the error", served(fmt.Errorf("pay: %w", failed)), "c", nil},
		{"observed before the error", served(failed, "a"), "a", nil},
	} {
		var j journal
		ctx, outer := call.Observe(t.Context())
		_, _ = log.Calls(tt.next, log.New(j.handler(slog.LevelInfo)), "pay")(ctx, order{})
		got := j.record(t)
		if got["instance"] != tt.instance || got["attempts"] != tt.attempts {
			t.Errorf("%s: instance %v, attempts %v", tt.name, got["instance"], got["attempts"])
		}
		if id, _ := tt.instance.(string); outer.Instance() != id && tt.name != "by the error" {
			t.Errorf("%s: the observer round the logger saw %q", tt.name, outer.Instance())
		}
	}
}

func TestRetriesAreMarked(t *testing.T) {
	var j journal
	pay := log.Calls(shop{}.Pay, log.New(j.handler(slog.LevelInfo)), "pay")
	_, _ = pay(call.With(t.Context(), call.Attempt(3, nil)), order{})
	if got := j.record(t)["retries"]; got != 2.0 {
		t.Errorf("retries is %v, want 2", got)
	}
}

// A group that the logger has open takes what Calls says of itself, but not the
// IDs of the call.
func TestCallsWithinAGroup(t *testing.T) {
	var j journal
	_, _ = log.Calls(served(nil), log.New(j.handler(slog.LevelInfo)).WithGroup("g"), "pay")(incoming(t.Context()), order{})
	got := j.record(t)
	g, _ := got["g"].(map[string]any)
	if got["request_id"] != "r-1" || fmt.Sprint(keys(g)) != "[code duration_ms method peer]" {
		t.Errorf("the record is %v", got)
	}
}

func TestCallsMeasuresTheCallAndStampsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		slow := func(context.Context, int) (int, error) { time.Sleep(2 * time.Second); return 0, nil }
		start := time.Now()
		_, _ = log.Calls(slow, log.New(j.handler(slog.LevelInfo)), "slow")(t.Context(), 1)
		got := j.records(t)[0]
		if got["duration_ms"] != 2000.0 {
			t.Errorf("the duration is %v ms", got["duration_ms"])
		}
		at, err := time.Parse(time.RFC3339Nano, got["time"].(string))
		if err != nil || !at.Equal(start.Add(2*time.Second)) {
			t.Errorf("the time is %v, %v", at, err)
		}
	})
}
