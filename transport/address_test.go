package transport_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
)

// registeredAt returns the address that an instance gets on a server that listens
// at bound.
func registeredAt(t *testing.T, bound, addr string) (got string, err error) {
	synctest.Test(t, func(t *testing.T) {
		err = transport.Serve(stopAfter(t, time.Second), "", newFakeServer(newDiary()), quiet,
			transport.Listener(fakeListener{bound}),
			transport.Register(&registry{}, sd.Instance{Addr: addr}),
			transport.OnRegister(func(r *sd.Registration) { got = r.Instance().Addr }))
	})
	return got, err
}

func TestServeCompletesAddress(t *testing.T) {
	tests := []struct{ bound, addr, want string }{
		{"127.0.0.1:4711", "", "127.0.0.1:4711"},
		{"10.1.2.3:4711", "", "10.1.2.3:4711"},
		{"[::1]:4711", "", "[::1]:4711"},
		{"[fe80::1%eth0]:4711", "", "[fe80::1%eth0]:4711"},
		{"[::ffff:10.1.2.3]:4711", "", "10.1.2.3:4711"},
		{"[::]:4711", "svc.internal:0", "svc.internal:4711"},
		{"[::]:4711", "svc.internal:", "svc.internal:4711"},
		{"10.1.2.3:4711", ":80", "10.1.2.3:80"},
		{"10.1.2.3:4711", "[2001:db8::1]:0", "[2001:db8::1]:4711"},
		{"10.1.2.3:4711", "192.0.2.1:443", "192.0.2.1:443"},
		{"10.1.2.3:4711", "0.0.0.0:443", "10.1.2.3:443"},
		{"[::1]:4711", "[::]:0", "[::1]:4711"},
		{"10.1.2.3:4711", "[::ffff:0.0.0.0]:443", "10.1.2.3:443"},
		{"@socket", "192.0.2.1:443", "192.0.2.1:443"},
	}
	for _, tt := range tests {
		t.Run(tt.bound+" "+tt.addr, func(t *testing.T) {
			got, err := registeredAt(t, tt.bound, tt.addr)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestServeWildcardAddress(t *testing.T) {
	for _, bound := range []string{"0.0.0.0:4711", "[::]:4711"} {
		got, err := registeredAt(t, bound, "")
		if err != nil {
			t.Fatal(err)
		}
		at, err := netip.ParseAddrPort(got)
		if err != nil || at.Port() != 4711 || at.Addr().IsUnspecified() || at.Addr().IsLinkLocalUnicast() {
			t.Fatalf("%s: got %q, %v", bound, got, err)
		}
		if bound[0] == '0' && !at.Addr().Is4() {
			t.Errorf("%s does not listen at %s", bound, got)
		}
		// Whatever it chose is an address of this machine.
		l, err := net.Listen("tcp", net.JoinHostPort(at.Addr().String(), "0"))
		if err != nil {
			t.Errorf("%s: %v", bound, err)
			continue
		}
		l.Close()
	}
}

func TestServeMalformedInstances(t *testing.T) {
	d := newDiary()
	err := transport.Serve(t.Context(), "127.0.0.1:0", newFakeServer(d),
		transport.Register(&registry{}, sd.Instance{Addr: "nonsense"}),
		transport.Register(&registry{}, sd.Instance{Addr: "host:99999"}),
		transport.Register(&registry{}, sd.Instance{Weight: -1}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"nonsense" of the instance is not host:port`, `"host:99999" has no port`, "weight -1 is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if events := d.read(); len(events) > 0 {
		t.Errorf("it served nevertheless: %q", events)
	}
	err = transport.Serve(t.Context(), "", newFakeServer(d), transport.Listener(fakeListener{"@socket"}),
		transport.Register(&registry{}, sd.Instance{}))
	if err == nil || !strings.Contains(err.Error(), "cannot be completed from @socket") {
		t.Errorf("got %v", err)
	}
}

func TestServeCannotListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, addr := range []string{l.Addr().String(), "no port", "127.0.0.1:99999"} {
		if err := transport.Serve(t.Context(), addr, newFakeServer(newDiary())); err == nil {
			t.Errorf("%s: no error", addr)
		}
	}
}

func TestServeMisuse(t *testing.T) {
	defer func() {
		text, _ := recover().(string)
		for _, want := range []string{
			"transport: Serve: the server is nil", "Listener is nil", "registrar is nil", "OnListen is nil",
			"OnRegister is nil", "MarkReady is nil", "Logger is nil", "option 7 is nil", "RegisterWithin is negative",
			"DeregisterWithin is negative", "NoticeDelay is negative", "DrainWithin is negative: -1ns",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %q", want, text)
			}
		}
	}()
	_ = transport.Serve(context.Background(), "", nil,
		transport.Listener(nil), transport.Register(nil, sd.Instance{}), transport.OnListen(nil),
		transport.OnRegister(nil), transport.MarkReady(nil), transport.Logger(nil), nil,
		transport.RegisterWithin(-1), transport.DeregisterWithin(-1), transport.NoticeDelay(-1), transport.DrainWithin(-1))
}
