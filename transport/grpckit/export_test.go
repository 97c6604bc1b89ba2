package grpckit

import (
	"weak"

	"google.golang.org/grpc"
)

var (
	LoadReport = loadReport
	Reported   = reported
)

// Kept reports whether a source is kept for a connection.
func Kept(conn weak.Pointer[grpc.ClientConn]) bool {
	_, ok := sources.Load(conn)
	return ok
}
