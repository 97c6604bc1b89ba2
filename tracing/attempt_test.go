package tracing_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/tracing"
)

// replica is a client of one instance.
type replica struct {
	get endpoint.Endpoint[string, string]
}

func (r *replica) Get(ctx context.Context, key string) (string, error) { return r.get(ctx, key) }

// replicas balances over three instances, by turns.
func replicas(t *testing.T, dial func(in *sd.Instance) *replica) endpoint.Endpoint[string, string] {
	t.Helper()
	instances, err := static.NewInstancer(
		sd.Instance{ID: "a", Addr: "10.0.0.1:80"}, sd.Instance{ID: "b", Addr: "10.0.0.2:80"}, sd.Instance{Addr: "10.0.0.3:80"})
	if err != nil {
		t.Fatal(err)
	}
	clients := sd.NewEndpointer(instances, func(_ context.Context, in *sd.Instance) (*replica, error) { return dial(in), nil })
	t.Cleanup(func() { _ = clients.Close() })
	if err := clients.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lb.Endpoint(lb.New(clients, lb.RoundRobin()), (*replica).Get)
}

// siblings returns the attempts below the call, which ends last.
func siblings(t *testing.T, all tracetest.SpanStubs) (attempts tracetest.SpanStubs, call tracetest.SpanStub) {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("no spans")
	}
	attempts, call = all[:len(all)-1], all[len(all)-1]
	for i, s := range attempts {
		if s.Parent.SpanID() != call.SpanContext.SpanID() || s.Name != call.Name {
			t.Errorf("attempt %d is %q below %v, want %q below the call's span", i+1, s.Name, s.Parent.SpanID(), call.Name)
		}
	}
	return attempts, call
}

func TestRetriesAreSiblings(t *testing.T) {
	for name, dialed := range map[string]bool{"below Retry": false, "in the function that dials": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { retries(t, dialed) })
		})
	}
}

func retries(t *testing.T, dialed bool) {
	r := record(t)
	var calls atomic.Int32
	answer := func(_ context.Context, key string) (string, error) {
		if calls.Add(1) < 3 {
			return "", &endpoint.Error{Code: endpoint.Unavailable}
		}
		return key, nil
	}
	get := replicas(t, func(in *sd.Instance) *replica {
		if dialed {
			return &replica{tracing.Client(answer, "store/Get", r.option(), tracing.Instance(in))}
		}
		return &replica{answer}
	})
	if !dialed {
		get = tracing.Client(get, "store/Get", r.option())
	}
	get = tracing.Client(lb.Retry(get, lb.Idempotent()), "store/Get", r.option())
	if _, err := get(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}

	attempts, call := siblings(t, r.spans())
	if len(attempts) != 3 {
		t.Fatalf("%d attempts, want 3", len(attempts))
	}
	asked := map[any]bool{}
	for i, s := range attempts {
		attrs := attributes(s.Attributes)
		id := attrs[tracing.InstanceKey]
		asked[id] = true
		want := with("store/Get", map[attribute.Key]any{tracing.InstanceKey: id, "rpc.response.status_code": "OK"})
		if i > 0 {
			want[tracing.AttemptKey] = int64(i + 1)
		}
		if i < 2 {
			want["rpc.response.status_code"], want["error.type"] = "UNAVAILABLE", "UNAVAILABLE"
		}
		want["server.address"] = map[any]string{"a": "10.0.0.1", "b": "10.0.0.2", "10.0.0.3:80": "10.0.0.3"}[id]
		want["server.port"] = int64(80)
		same(t, "an attempt", attrs, want)
	}
	if len(asked) != 3 {
		t.Errorf("the instances asked are %v, want three", asked)
	}
	got := attributes(call.Attributes)
	if got[tracing.AttemptsKey] != int64(3) || got[tracing.InstanceKey] != attributes(attempts[2].Attributes)[tracing.InstanceKey] {
		t.Errorf("the call has %v, want 3 attempts and the last one's instance", got)
	}
	if call.Status.Code != codes.Unset || attempts[0].Status.Code != codes.Error {
		t.Errorf("the call's status is %v and the first attempt's %v", call.Status, attempts[0].Status)
	}
}

func TestTheLoserOfAHedgeIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		var calls atomic.Int32
		get := replicas(t, func(in *sd.Instance) *replica {
			return &replica{func(ctx context.Context, key string) (string, error) {
				if calls.Add(1) > 1 {
					return key, nil
				}
				<-ctx.Done() // hangs
				return "", ctx.Err()
			}}
		})
		get = tracing.Client(get, "store/Get", r.option())
		get = tracing.Client(lb.Hedge(get, lb.HedgeAfter(time.Second)), "store/Get", r.option())
		if _, err := get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}

		attempts, call := siblings(t, r.spans())
		if len(attempts) != 2 {
			t.Fatalf("%d attempts, want 2", len(attempts))
		}
		winner, loser := attempts[0], attempts[1]
		won, lost, all := attributes(winner.Attributes), attributes(loser.Attributes), attributes(call.Attributes)
		if won["rpc.response.status_code"] != "OK" || won[tracing.AttemptKey] != int64(2) {
			t.Errorf("the winner has %v", won)
		}
		if lost["rpc.response.status_code"] != "CANCELLED" || loser.Status.Code != codes.Unset || len(loser.Events) > 0 {
			t.Errorf("the loser has %v, status %v and events %v", lost, loser.Status, loser.Events)
		}
		if won["server.address"] == nil || all["server.address"] != won["server.address"] {
			t.Errorf("the winner is at %v, and the call says %v", won["server.address"], all["server.address"])
		}
		if won[tracing.InstanceKey] == lost[tracing.InstanceKey] || all[tracing.InstanceKey] != won[tracing.InstanceKey] {
			t.Errorf("asked %v, then %v, and the call says %v",
				lost[tracing.InstanceKey], won[tracing.InstanceKey], all[tracing.InstanceKey])
		}
		if loser.EndTime.Sub(loser.StartTime) != time.Second || all[tracing.AttemptsKey] != int64(2) {
			t.Errorf("the loser took %v, the call %v attempts", loser.EndTime.Sub(loser.StartTime), all[tracing.AttemptsKey])
		}
	})
}
