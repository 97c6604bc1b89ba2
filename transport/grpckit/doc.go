// Package grpckit serves and calls endpoints over gRPC.
package grpckit

import _ "google.golang.org/grpc"
import _ "github.com/dowelkit/dowel/endpoint"
