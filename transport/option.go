package transport

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Option changes how [Serve] runs a server. No duration may be negative.
type Option func(*service)

// Listener makes Serve use l, for TLS or a socket that was handed over, and
// ignore its addr. Serve closes l.
func Listener(l net.Listener) Option {
	return func(s *service) {
		s.check(l != nil, "Listener is nil")
		s.listener = l
	}
}

// Register registers the instance while the server runs. It may be given more
// than once.
//
// An Addr without a host, without a port or with port 0 is completed from the
// address that the server listens at, so the zero Instance and "10.0.0.5:0" are
// both usual. 0.0.0.0 and [::] are no host: nobody else would get here by them.
// If the server listens at every address of the machine, the host is its first
// one, in the order of the interfaces, that another machine may reach: IPv4
// before IPv6, neither loopback nor link-local. A machine that has none registers
// loopback. Behind a NAT, or with several networks, give the host.
func Register(registrar sd.Registrar, in sd.Instance) Option {
	return func(s *service) {
		s.check(registrar != nil, "Register: the registrar is nil")
		s.places = append(s.places, place{registrar, in})
	}
}

// OnListen calls f with the bound address before the server serves and before it
// is registered.
func OnListen(f func(net.Addr)) Option {
	return func(s *service) {
		s.check(f != nil, "OnListen is nil")
		s.onListen = f
	}
}

// OnRegister calls f with each registration once it stands, to watch its state or
// to change its weight. Serve deregisters it once f has returned, so f must not
// block. f may be called by several goroutines at once.
func OnRegister(f func(*sd.Registration)) Option {
	return func(s *service) {
		s.check(f != nil, "OnRegister is nil")
		s.onRegister = f
	}
}

// MarkReady keeps r true from when the service wants traffic until it begins to
// stop. r is what a health handler reads.
func MarkReady(r *Readiness) Option {
	return func(s *service) {
		if s.check(r != nil, "MarkReady is nil") {
			s.readiness, s.watched = r, true
		}
	}
}

// Logger sets where Serve reports what it cannot return, such as a registration
// that takes long. The default is slog.Default.
func Logger(l *slog.Logger) Option {
	return func(s *service) {
		s.check(l != nil, "Logger is nil")
		s.logger = l
	}
}

// RegisterWithin bounds how long the service stays not ready while it waits for
// its registrations. The default is 5 s; zero does not wait. A service that is
// ready before it is registered says so in the log, and also when it is.
func RegisterWithin(d time.Duration) Option {
	return func(s *service) { s.bound("RegisterWithin", &s.registerWithin, d) }
}

// DeregisterWithin bounds how long deregistration may take. The default is 5 s.
func DeregisterWithin(d time.Duration) Option {
	return func(s *service) { s.bound("DeregisterWithin", &s.deregisterWithin, d) }
}

// NoticeDelay sets how long the server goes on serving after it has deregistered,
// so that clients learn of it before the door is shut. A registry that is watched
// tells its clients within milliseconds, hence the default of 500 ms; raise it
// for clients that poll: to the interval of the readiness probe, or the TTL of a
// DNS record. Zero does not wait, and without [Register] and [MarkReady] nobody
// could notice anything, so Serve does not wait either.
func NoticeDelay(d time.Duration) Option {
	return func(s *service) { s.bound("NoticeDelay", &s.noticeDelay, d) }
}

// DrainWithin bounds how long calls in flight may take to finish before their
// connections are cut. The default is 20 s.
func DrainWithin(d time.Duration) Option {
	return func(s *service) { s.bound("DrainWithin", &s.drainWithin, d) }
}

// service is one run of Serve.
type service struct {
	server           Server
	listener         net.Listener
	places           []place
	readiness        *Readiness
	watched          bool // somebody reads readiness
	onListen         func(net.Addr)
	onRegister       func(*sd.Registration)
	logger           *slog.Logger
	registerWithin   time.Duration
	deregisterWithin time.Duration
	noticeDelay      time.Duration
	drainWithin      time.Duration
	faults           []string
}

// place is where one instance is registered.
type place struct {
	registrar sd.Registrar
	in        sd.Instance
}

func newService(server Server, opts []Option) *service {
	s := &service{
		server:           server,
		readiness:        new(Readiness),
		logger:           slog.Default(),
		registerWithin:   5 * time.Second,
		deregisterWithin: 5 * time.Second,
		noticeDelay:      500 * time.Millisecond,
		drainWithin:      20 * time.Second,
	}
	s.check(server != nil, "the server is nil")
	for i, opt := range opts {
		if s.check(opt != nil, fmt.Sprintf("option %d is nil", i+1)) {
			opt(s)
		}
	}
	if len(s.faults) > 0 {
		panic("transport: Serve: " + strings.Join(s.faults, "; "))
	}
	return s
}

func (s *service) check(ok bool, fault string) bool {
	if !ok {
		s.faults = append(s.faults, fault)
	}
	return ok
}

func (s *service) bound(name string, to *time.Duration, d time.Duration) {
	s.check(d >= 0, fmt.Sprintf("%s is negative: %v", name, d))
	*to = min(d, math.MaxInt64-overrun) // so that the overrun can be added
}

// known reports whether anybody could notice that the service is leaving.
func (s *service) known() bool { return s.watched || len(s.places) > 0 }
