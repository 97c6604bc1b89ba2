package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/ratelimit"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

const serviceName = "stringsvc"

// Server is one running instance of the service, and a switch for its troubles.
type Server struct {
	Name     string
	Addr     string
	Fate     string // what happened to it, for the table
	http     *http.Server
	stop     context.CancelFunc
	done     chan error
	slowness atomic.Int64 // nanoseconds that each call takes longer
	failing  atomic.Bool
	limited  ratelimit.Stats
}

// StartServer serves on a loopback port of the system's choice and registers the
// address it got.
func StartServer(name string, registry *memory.Registry, logger *slog.Logger) (*Server, error) {
	s := &Server{Name: name, Fate: "well", done: make(chan error, 1)}
	s.http = httpkit.NewServer(s.handler(logger.With("server", name)))
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	bound := make(chan net.Addr, 1)
	go func() {
		s.done <- transport.Serve(ctx, "127.0.0.1:0", s.http,
			transport.Register(registry.Registrar(serviceName, memory.TTL(time.Hour)), sd.Instance{ID: name}),
			transport.OnListen(func(a net.Addr) { bound <- a }),
			transport.NoticeDelay(100*time.Millisecond),
			transport.Logger(logger),
		)
	}()
	select {
	case addr := <-bound:
		s.Addr = addr.String()
		return s, nil
	case err := <-s.done:
		return nil, err
	}
}

// handler puts the two methods behind HTTP.
func (s *Server) handler(logger *slog.Logger) http.Handler {
	var svc Service
	uppercase := protect(s, svc.Uppercase, logger, "uppercase")
	count := protect(s, svc.Count, logger, "count")

	mux := http.NewServeMux()
	mux.Handle("POST /uppercase", httpkit.NewHandler(uppercase, httpkit.DecodeJSON, httpkit.EncodeJSON))
	mux.Handle("POST /count", httpkit.NewHandler(count, httpkit.DecodeJSON, httpkit.EncodeJSON))
	return mux
}

// protect is the one stack for every endpoint of the service: a generic function
// of the user's own. The last one applied is outermost.
func protect[Req, Resp any](s *Server, e endpoint.Endpoint[Req, Resp], logger *slog.Logger, name string) endpoint.Endpoint[Req, Resp] {
	e = misbehave(s, e)
	e = endpoint.Recover(e)
	e = ratelimit.Limit(e, rate.NewLimiter(2000, 200), ratelimit.CountIn(&s.limited))
	return log.Calls(e, logger, name)
}

// misbehave is a middleware of our own: the troubles of this demonstration.
func misbehave[Req, Resp any](s *Server, next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) {
		time.Sleep(time.Duration(s.slowness.Load()))
		if s.failing.Load() {
			var none Resp
			return none, errors.New("the disk is full") // stays in the server: the client sees "internal error"
		}
		return next(ctx, req)
	}
}

// Kill ends the server as a crash would: its port is shut, its connections are
// cut, and nobody tells the registry.
func (s *Server) Kill(registry *memory.Registry) {
	registry.Faults().Kill(serviceName, s.Name)
	_ = s.http.Close()
	s.Fate = "killed"
}

// Slow makes each call take longer.
func (s *Server) Slow(by time.Duration) {
	s.slowness.Store(int64(by))
	s.Fate = fmt.Sprintf("slowed by %v", by)
}

// Fail makes each call fail.
func (s *Server) Fail() {
	s.failing.Store(true)
	s.Fate = "made to fail"
}

// Stop ends the server as a deployment would: deregister, drain, stop.
func (s *Server) Stop() error {
	s.stop()
	err := <-s.done
	if s.Fate == "killed" {
		return nil
	}
	return err
}
