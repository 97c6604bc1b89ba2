package transport_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// fakeServer is a server without a network, for tests in fake time.
type fakeServer struct {
	diary    *diary
	busy     time.Duration // how long calls in flight take
	deaf     bool          // Shutdown ignores its context
	failure  chan error    // makes Serve return
	shutdown chan struct{}
	closed   chan struct{}
	once     sync.Once
	twice    sync.Once
}

func newFakeServer(d *diary) *fakeServer {
	return &fakeServer{
		diary: d, failure: make(chan error, 1),
		shutdown: make(chan struct{}), closed: make(chan struct{}),
	}
}

func (s *fakeServer) Serve(net.Listener) error {
	s.diary.note("serve")
	select {
	case err := <-s.failure:
		return err
	case <-s.shutdown:
	case <-s.closed:
	}
	return http.ErrServerClosed
}

func (s *fakeServer) Shutdown(ctx context.Context) error {
	s.diary.note("shutdown")
	s.once.Do(func() { close(s.shutdown) })
	done := ctx.Done()
	if s.deaf {
		done = nil
	}
	select {
	case <-time.After(s.busy):
		return nil
	case <-s.closed:
		return errors.New("closed")
	case <-done:
		return ctx.Err()
	}
}

func (s *fakeServer) Close() error {
	s.diary.note("close")
	s.twice.Do(func() { close(s.closed) })
	return nil
}

// fakeListener has an address and nothing else.
type fakeListener struct{ addr string }

func (l fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l fakeListener) Close() error              { return nil }
func (l fakeListener) Addr() net.Addr            { return fakeAddr(l.addr) }

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) }
