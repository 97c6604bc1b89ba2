package grpckit

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/transport"
)

// health is grpc.health.v1 of a server: the same for each of its services.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	readiness *transport.Readiness // nil is ready
	services  func() map[string]grpc.ServiceInfo
	stopped   chan struct{}
	once      sync.Once
}

func newHealth(r *transport.Readiness) *health {
	return &health{readiness: r, stopped: make(chan struct{})}
}

// stop is for good. It also ends the watches, which would hold up a graceful stop.
func (h *health) stop() { h.once.Do(func() { close(h.stopped) }) }

func (h *health) status(service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
	if _, known := h.services()[service]; !known && service != "" {
		return grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
	}
	select {
	case <-h.stopped:
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	default:
	}
	if h.readiness != nil && !h.readiness.Ready() {
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return grpc_health_v1.HealthCheckResponse_SERVING
}

// Check answers for one service, or for all if the name is empty.
func (h *health) Check(
	_ context.Context, r *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	s := h.status(r.GetService())
	if s == grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: s}, nil
}

// List answers for every service.
func (h *health) List(
	context.Context, *grpc_health_v1.HealthListRequest,
) (*grpc_health_v1.HealthListResponse, error) {
	statuses := map[string]*grpc_health_v1.HealthCheckResponse{"": {Status: h.status("")}}
	for name := range h.services() {
		statuses[name] = &grpc_health_v1.HealthCheckResponse{Status: h.status(name)}
	}
	return &grpc_health_v1.HealthListResponse{Statuses: statuses}, nil
}

// Watch sends the state and then each change of it, until the server stops.
func (h *health) Watch(
	r *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse],
) error {
	last := grpc_health_v1.HealthCheckResponse_UNKNOWN
	stopped := h.stopped
	for {
		var changed <-chan struct{}
		if h.readiness != nil {
			changed = h.readiness.Changed() // before it is asked
		}
		if s := h.status(r.GetService()); s != last {
			if err := stream.Send(&grpc_health_v1.HealthCheckResponse{Status: s}); err != nil {
				return err
			}
			last = s
		}
		if stopped == nil {
			return status.Error(codes.Unavailable, "the server stops")
		}
		select {
		case <-changed:
		case <-stopped:
			stopped = nil // after the last state was sent
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}
