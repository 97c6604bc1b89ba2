package grpckit

import (
	"context"
	"fmt"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dowelkit/dowel/sd"
)

// Probe returns a probe for [sd.HealthCheck]: an instance is healthy if grpc.health.v1
// says that the service, or all of it if the name is empty, is SERVING. Each probe makes
// a connection of its own: an instance that accepts no new connections is not healthy.
// The context bounds it. It is safe for concurrent use. Probe panics if an option is nil
// or out of range.
func Probe(service string, opts ...ClientOption) func(ctx context.Context, in *sd.Instance) error {
	mustClientConfig("Probe", opts)
	return func(ctx context.Context, in *sd.Instance) error {
		conn, err := dialInstance(ctx, in, opts)
		if err != nil {
			return err
		}
		defer conn.Close()
		resp, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			return fmt.Errorf("grpckit: probe %s: %w", in.Addr, err)
		}
		if s := resp.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
			return fmt.Errorf("grpckit: probe %s: the service is %v", in.Addr, s)
		}
		return nil
	}
}
