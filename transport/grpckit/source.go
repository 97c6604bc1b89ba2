package grpckit

import (
	"runtime"
	"sync"
	"weak"

	"google.golang.org/grpc"
)

// sources has the source of each connection of ours. A connection of grpc-go has no
// place for anything of ours but what its calls go through, and what is asked that way
// is a call to every interceptor of the user's. The map keeps neither alive: the source
// leads to its connection, and that holds its source, the builder of its resolver, for
// as long as it lives.
var sources sync.Map // of weak.Pointer[grpc.ClientConn] to weak.Pointer[source]

// keep makes the source found by its connection.
func (s *source) keep(conn *grpc.ClientConn) {
	key := weak.Make(conn)
	sources.Store(key, weak.Make(s))
	runtime.AddCleanup(conn, func(key weak.Pointer[grpc.ClientConn]) { sources.Delete(key) }, key)
}

// sourceOf returns the source of a connection, nil if that is somebody else's.
func sourceOf(conn *grpc.ClientConn) *source {
	kept, ok := sources.Load(weak.Make(conn))
	if !ok {
		return nil
	}
	s := kept.(weak.Pointer[source]).Value()
	runtime.KeepAlive(conn)
	return s
}
