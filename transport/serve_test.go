package transport_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
)

var (
	somewhere = transport.Listener(fakeListener{"10.0.0.1:8080"})
	quiet     = transport.Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))
)

// stopAfter returns a context that ends after d, without an error of its own.
func stopAfter(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	return ctx
}

func TestServeOrder(t *testing.T) {
	errBroken := errors.New("broken")
	errRefused := sd.Permanent(errors.New("bad credentials"))
	tests := []struct {
		name   string
		opts   []transport.Option
		change func(*registry, *fakeServer)
		want   []string
		errs   []string
	}{
		{
			name: "clean",
			want: []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10.5s"},
		},
		{
			name: "no delay",
			opts: []transport.Option{transport.NoticeDelay(0)},
			want: []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10s"},
		},
		{
			name:   "the server fails",
			change: func(_ *registry, s *fakeServer) { time.AfterFunc(time.Second, func() { s.failure <- errBroken }) },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 1s", "shutdown 1s"},
			errs:   []string{"transport: the server stopped by itself: broken"},
		},
		{
			name: "the server fails while clients notice",
			change: func(_ *registry, s *fakeServer) {
				time.AfterFunc(10200*time.Millisecond, func() { s.failure <- errBroken })
			},
			want: []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10.2s"},
			errs: []string{"transport: serve: broken"},
		},
		{
			name:   "the registry refuses",
			change: func(r *registry, _ *fakeServer) { r.out = errRefused },
			// The entry is removed although it was refused: a reply may lie.
			want: []string{"listen 0s", "serve 0s", "deregistered 0s", "shutdown 500ms"},
			errs: []string{"transport: register 10.0.0.1:8080: sd: register 10.0.0.1:8080: bad credentials"},
		},
		{
			name:   "deregistration hangs",
			change: func(r *registry, _ *fakeServer) { r.stuck = true },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "shutdown 15.5s"},
			errs:   []string{"transport: sd: deregister 10.0.0.1:8080: context deadline exceeded"},
		},
		{
			name:   "calls take too long",
			opts:   []transport.Option{transport.DrainWithin(3 * time.Second)},
			change: func(_ *registry, s *fakeServer) { s.busy = time.Hour },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10.5s", "close 13.5s"},
			errs:   []string{"transport: drain: context deadline exceeded"},
		},
		{
			name:   "without bounds",
			opts:   []transport.Option{transport.DrainWithin(math.MaxInt64), transport.DeregisterWithin(math.MaxInt64)},
			change: func(_ *registry, s *fakeServer) { s.busy = time.Hour },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10.5s"},
		},
		{
			name:   "shutdown is deaf",
			opts:   []transport.Option{transport.DrainWithin(3 * time.Second)},
			change: func(_ *registry, s *fakeServer) { s.busy, s.deaf = time.Hour, true },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "deregistered 10s", "shutdown 10.5s", "close 14.5s"},
			errs:   []string{"transport: drain: it did not return in time"},
		},
		{
			name:   "everything goes wrong",
			opts:   []transport.Option{transport.DrainWithin(0), transport.DeregisterWithin(time.Second)},
			change: func(r *registry, s *fakeServer) { r.stuck, s.busy = true, time.Hour },
			want:   []string{"listen 0s", "serve 0s", "registered 0s", "shutdown 11.5s", "close 11.5s"},
			errs: []string{
				"transport: sd: deregister 10.0.0.1:8080: context deadline exceeded",
				"transport: drain: context deadline exceeded",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				server, reg := newFakeServer(d), &registry{onEvent: d.note}
				if tt.change != nil {
					tt.change(reg, server)
				}
				opts := append([]transport.Option{
					somewhere, quiet, transport.Register(later{reg}, sd.Instance{}), onListen(d),
				}, tt.opts...)
				err := transport.Serve(stopAfter(t, 10*time.Second), "", server, opts...)
				if got := d.read(); !slices.Equal(got, tt.want) {
					t.Errorf("events:\n got %q\nwant %q", got, tt.want)
				}
				if got := lines(err); !slices.Equal(got, tt.errs) {
					t.Errorf("errors:\n got %q\nwant %q", got, tt.errs)
				}
				if left := reg.instances(); len(left) > 0 && !reg.stuck {
					t.Errorf("still registered: %v", left)
				}
			})
		})
	}
}

func TestServeWrapsWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(newDiary())
		server.failure <- io.ErrUnexpectedEOF
		if err := transport.Serve(t.Context(), "", server, somewhere); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
		server = newFakeServer(newDiary())
		_ = server.Shutdown(t.Context()) // by somebody else
		if err := transport.Serve(t.Context(), "", server, somewhere); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// A server may heed the context by itself. Which of the two ends is seen first makes
// no error of a clean stop.
func TestServeEndsWithItsServer(t *testing.T) {
	errBroken := errors.New("broken")
	for _, failure := range []error{nil, http.ErrServerClosed, errBroken} {
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				server := newFakeServer(newDiary())
				// Serve waits for its log while both come to an end.
				err := transport.Serve(ctx, "", server, somewhere, transport.RegisterWithin(0),
					transport.Register(&registry{out: errOutage}, sd.Instance{}),
					transport.Logger(slog.New(slog.NewTextHandler(writer(func() {
						cancel()
						server.failure <- failure
						synctest.Wait()
					}), nil))))
				if got := lines(err); failure != errBroken && len(got) > 0 ||
					failure == errBroken && !slices.Equal(got, []string{"transport: serve: broken"}) {
					t.Errorf("the server ends with %v: got %q", failure, got)
				}
			})
		}
	}
}

// writer is called while Serve writes that it is not registered.
type writer func()

func (w writer) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "not registered yet") {
		w()
	}
	return len(p), nil
}

func TestServeReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		var ready transport.Readiness
		server, reg := newFakeServer(d), &registry{onEvent: d.note, out: errOutage}
		time.AfterFunc(4999*time.Millisecond, func() { d.note(yesNo(&ready)) })
		time.AfterFunc(5001*time.Millisecond, func() { d.note(yesNo(&ready)) })
		time.AfterFunc(30*time.Second, func() { reg.set(nil) })
		time.AfterFunc(59*time.Second, func() { d.note(yesNo(&ready)) })
		time.AfterFunc(60*time.Second+time.Millisecond, func() { d.note(yesNo(&ready)) })
		err := transport.Serve(stopAfter(t, time.Minute), "", server, somewhere, quiet,
			transport.Register(reg, sd.Instance{}), transport.MarkReady(&ready))
		if err != nil {
			t.Error(err)
		}
		got := d.read()
		if i := slices.IndexFunc(got, func(e string) bool { return strings.HasPrefix(e, "registered 3") }); i != 3 {
			t.Fatalf("not registered after the outage: %q", got)
		}
		want := []string{"serve 0s", "not ready 4.999s", "ready 5.001s", "ready 59s",
			"deregistered 1m0s", "not ready 1m0.001s", "shutdown 1m0.5s"}
		if got = slices.Delete(got, 3, 4); !slices.Equal(got, want) {
			t.Errorf("events:\n got %q\nwant %q", got, want)
		}
	})
}

func TestServeWithoutWitnesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		if err := transport.Serve(stopAfter(t, time.Second), "", newFakeServer(d), somewhere); err != nil {
			t.Error(err)
		}
		if got, want := d.read(), []string{"serve 0s", "shutdown 1s"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestServeAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		reg := &registry{}
		if err := transport.Serve(ctx, "", newFakeServer(newDiary()), somewhere, quiet, transport.Register(reg, sd.Instance{})); err != nil {
			t.Error(err)
		}
		if left := reg.instances(); len(left) > 0 {
			t.Errorf("still registered: %v", left)
		}
	})
}

// later registers after the server has begun to serve, which makes the order of
// events certain in fake time.
type later struct{ sd.Registrar }

func (l later) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	synctest.Wait()
	return l.Registrar.Register(ctx, in)
}

func onListen(d *diary) transport.Option {
	return transport.OnListen(func(addr net.Addr) { d.note("listen") })
}

func yesNo(r *transport.Readiness) string {
	if r.Ready() {
		return "ready"
	}
	return "not ready"
}

// lines returns the errors that err joins, one by one.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
