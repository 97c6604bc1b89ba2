package etcd

import (
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrClosed is that the client is closed. Nothing mends that.
var ErrClosed = errors.New("etcd: the client is closed")

// ErrSilent is that etcd does not answer although there is a connection: the server
// hangs, or the network swallows what is sent.
var ErrSilent = errors.New("etcd: the server is silent")

// What etcd says otherwise comes as an error of package rpctypes of its client, such
// as [rpctypes.ErrPermissionDenied], or as a status of gRPC.

// code returns the code of an error of gRPC or of etcd.
func code(err error) codes.Code {
	if e, ok := errors.AsType[rpctypes.EtcdError](err); ok {
		return e.Code()
	}
	return status.Code(err)
}

// refused reports that etcd will not take a request however often it is made.
func refused(err error) bool {
	if errors.Is(err, ErrClosed) {
		return true
	}
	switch code(err) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.OutOfRange:
		return true
	case codes.InvalidArgument:
		// This one says that users or roles have changed meanwhile.
		return !errors.Is(err, rpctypes.ErrAuthOldRevision)
	}
	return false
}
