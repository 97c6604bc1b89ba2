package httpkit

import (
	"net/http"
	"time"
)

// NewServer returns a server with every bound set that net/http leaves open. Its
// fields may be changed until it serves:
//
//	ReadHeaderTimeout   5 s    a client that sends its headers byte by byte
//	ReadTimeout        30 s    for a whole request
//	WriteTimeout       60 s    from the end of the headers to the end of the answer
//	IdleTimeout       120 s    longer than clients and proxies keep connections
//	MaxHeaderBytes     64 KiB
//
// A handler that streams for longer moves its own deadlines with
// [http.ResponseController]. NewServer panics if handler is nil: net/http would
// serve what any package has registered globally.
func NewServer(handler http.Handler) *http.Server {
	if handler == nil {
		panic("httpkit: NewServer: the handler is nil")
	}
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}
