package grpckit

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/dowelkit/dowel/endpoint"
)

// Ready waits until the connection can be used, however many attempts fail before. If
// ctx ends first, the error wraps the context's and, of a connection of [NewClient] or
// [NewBalancedClient], what the last attempt failed with: then it is of code
// Unavailable. If the connection is closed, the code is Canceled. It works for any
// connection of grpc-go.
func Ready(ctx context.Context, conn *grpc.ClientConn) error { return ready(ctx, conn, true) }

// ready is Ready that is patient or gives up as soon as an attempt failed.
func ready(ctx context.Context, conn *grpc.ClientConn, patient bool) error {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Idle: // also in between, when nobody has called for long
			conn.Connect()
		case connectivity.Ready:
			return nil
		case connectivity.Shutdown:
			return notReady(endpoint.Canceled, fmt.Errorf("grpckit: %s is closed", conn.Target()))
		case connectivity.TransientFailure:
			if cause := reasonOf(conn); cause != nil && !patient {
				return notReady(endpoint.Unavailable, fmt.Errorf("grpckit: %s: %w", conn.Target(), cause))
			}
		}
		if conn.WaitForStateChange(ctx, state) {
			continue
		}
		code, err := endpoint.CodeOf(ctx.Err()), ctx.Err()
		if cause := reasonOf(conn); cause != nil {
			code, err = endpoint.Unavailable, errors.Join(err, cause)
		}
		return notReady(code, fmt.Errorf("grpckit: %s is not ready but %v: %w", conn.Target(), state, err))
	}
}

func notReady(code endpoint.Code, err error) error {
	return &endpoint.Error{Code: code, NotProcessed: true, Local: true, Outgoing: true, Err: err}
}

// reasonOf returns what the last attempt to connect failed with, nil if that is not
// known or it did not fail.
func reasonOf(conn *grpc.ClientConn) error {
	if s := sourceOf(conn); s != nil {
		return s.reason()
	}
	return nil
}
