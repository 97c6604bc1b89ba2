package grpckit_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/grpckit"
)

const echoName = "dowel.grpckit.test.Echo"

func TestHealthSaysWhatReadinessSays(t *testing.T) {
	ready := new(transport.Readiness)
	server := grpckit.NewServer(grpckit.Readiness(ready))
	client := grpc_health_v1.NewHealthClient(dialPlain(t, serve(t, server, &echo{})))
	ask := func(service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
		t.Helper()
		resp, err := client.Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetStatus()
	}
	watch, err := client.Watch(within(t), &grpc_health_v1.HealthCheckRequest{Service: echoName})
	if err != nil {
		t.Fatal(err)
	}
	next := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		resp, err := watch.Recv()
		if err != nil || resp.GetStatus() != want {
			t.Fatalf("the watch says %v, %v, want %v", resp.GetStatus(), err, want)
		}
	}
	for _, on := range []bool{false, true, false, true} {
		ready.Set(on)
		want := grpc_health_v1.HealthCheckResponse_NOT_SERVING
		if on {
			want = grpc_health_v1.HealthCheckResponse_SERVING
		}
		for _, service := range []string{"", echoName} {
			if got := ask(service); got != want {
				t.Errorf("ready is %v and %q is %v", on, service, got)
			}
		}
		next(want)
	}
	if _, err := client.Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: "another"}); status.Code(err) != codes.NotFound {
		t.Errorf("the error for another service is %v", err)
	}
	list, err := client.List(within(t), &grpc_health_v1.HealthListRequest{})
	if err != nil || list.GetStatuses()[echoName].GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("the list is %v, %v", list, err)
	}

	// A watch does not hold up a stop, and has the last word before it.
	stopped := make(chan error)
	go func() { stopped <- server.Shutdown(within(t)) }()
	next(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ends with %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestWatchOfAnUnknownService(t *testing.T) {
	client := grpc_health_v1.NewHealthClient(dial(t, serve(t, grpckit.NewServer(), &echo{})))
	watch, err := client.Watch(within(t), &grpc_health_v1.HealthCheckRequest{Service: "another"})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := watch.Recv(); err != nil || resp.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestProbe(t *testing.T) {
	ready := new(transport.Readiness)
	in := &sd.Instance{Addr: serve(t, grpckit.NewServer(grpckit.Readiness(ready)), &echo{})}
	probe := grpckit.Probe("")
	if err := probe(within(t), in); err == nil || !strings.Contains(err.Error(), "NOT_SERVING") {
		t.Errorf("while it is not ready: %v", err)
	}
	ready.Set(true)
	if err := probe(within(t), in); err != nil {
		t.Error(err)
	}
	if err := grpckit.Probe("another")(within(t), in); err == nil {
		t.Error("another service is healthy")
	}
}

// gRPC's own health checks leave out an instance that is not ready.
func TestClientsMayWatchHealth(t *testing.T) {
	ready := new(transport.Readiness)
	ready.Set(true)
	f := newFleet(t, 1)
	unready := f.join(grpckit.Readiness(ready))
	conn := f.client(lb.RoundRobin(), grpckit.ServiceConfig(`{"healthCheckConfig": {"serviceName": "`+echoName+`"}}`))
	f.answers(conn, f.members...)
	ready.Set(false)
	f.answers(conn, f.members[0])
	ready.Set(true)
	f.answers(conn, f.members[0], unready)
}
