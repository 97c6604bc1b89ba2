package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
)

type wire struct {
	name   string
	server func(Endpoints, *tls.Config) transport.Server
	client dialer
}

// wires is both of them: a server and a client each.
var wires = []wire{{"http", NewHTTPServer, NewHTTPClient}, {"grpc", NewGRPCServer, NewGRPCClient}}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// start runs a server until the test ends or stop is called, and registers it.
func start(t *testing.T, registry *memory.Registry, server transport.Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	listening, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := transport.Serve(ctx, "127.0.0.1:0", server, transport.Register(registry.Registrar("addsvc"), sd.Instance{}),
			transport.OnRegister(func(*sd.Registration) { close(listening) }), transport.NoticeDelay(50*time.Millisecond)); err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	<-listening
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestErrorsStayTypedOverBothWires(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			registry := memory.NewRegistry()
			start(t, registry, w.server(NewEndpoints(Service{}, quiet), nil))
			service, hangUp, err := w.client(registry.Instancer("addsvc"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer hangUp()
			eventually(t, func() bool { _, err := service.Concat(t.Context(), ConcatRequest{}); return err == nil })
			for _, tt := range []struct {
				a, b, v int64
				err     error
			}{
				{1, 2, 3, nil}, {-1, 1, 0, nil}, {0, 0, 0, ErrTwoZeroes}, {math.MinInt64, math.MaxInt64, -1, nil},
				{math.MaxInt64, 1, 0, ErrOverflow}, {math.MinInt64, -1, 0, ErrOverflow},
			} {
				v, err := service.Sum(t.Context(), SumRequest{A: tt.a, B: tt.b})
				if v != tt.v || !errors.Is(err, tt.err) || endpoint.CodeOf(err) != endpoint.CodeOf(tt.err) {
					t.Errorf("%d + %d is %d, %v", tt.a, tt.b, v, err)
				}
			}
			if v, err := service.Concat(t.Context(), ConcatRequest{A: "hällo", B: "gut"}); v != "hällogut" || err != nil {
				t.Errorf("%q, %v", v, err)
			}
			if v, err := service.Concat(t.Context(), ConcatRequest{A: "hello", B: " gopher"}); v != "" || !errors.Is(err, ErrTooLong) {
				t.Errorf("%q, %v", v, err)
			}
		})
	}
}

// Three instances are found and balanced; one leaves, one joins, and no call fails.
func TestInstancesComeAndGo(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			registry := memory.NewRegistry()
			var served [4]atomic.Int64
			instance := func(i int) transport.Server {
				e := NewEndpoints(Service{}, quiet)
				sum := e.Sum
				e.Sum = func(ctx context.Context, r SumRequest) (int64, error) { served[i].Add(1); return sum(ctx, r) }
				return w.server(e, nil)
			}
			stop := start(t, registry, instance(0))
			start(t, registry, instance(1))
			start(t, registry, instance(2))
			service, hangUp, err := w.client(registry.Instancer("addsvc"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer hangUp()
			eventually(t, func() bool { _, err := service.Concat(t.Context(), ConcatRequest{}); return err == nil })
			calls := func(which ...int) {
				t.Helper()
				for i := range served {
					served[i].Store(0)
				}
				eventually(t, func() bool {
					if v, err := service.Sum(t.Context(), SumRequest{A: 20, B: 22}); v != 42 || err != nil {
						t.Fatalf("%d, %v", v, err)
					}
					time.Sleep(time.Millisecond) // the server's own limit
					for _, i := range which {
						if served[i].Load() == 0 {
							return false
						}
					}
					return true
				})
			}
			calls(0, 1, 2)
			stop()
			start(t, registry, instance(3))
			calls(1, 2, 3)
			if n := served[0].Load(); n > 0 {
				t.Errorf("who has left got %d calls", n)
			}
		})
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be")
		}
	}
}

// The command is server and client over both wires, in plain text and with TLS.
func TestCommand(t *testing.T) {
	for _, file := range []string{"", certificate(t)} {
		ctx, stop := context.WithCancel(t.Context())
		http, grpc := strings.Join(testserver.Ports(t, 3), ","), strings.Join(testserver.Ports(t, 3), ",")
		flags := []string{"-http", http, "-grpc", grpc, "-tls", file}
		done := make(chan error, 1)
		go func() { _, err := run(ctx, append(flags, "serve")); done <- err }()
		for _, w := range wires {
			say := func(args ...string) (any, error) {
				return run(t.Context(), append(append(flags, "-wire", w.name), args...))
			}
			eventually(t, func() bool { // the servers listen
				_, err := say("sum", "1", "1")
				return endpoint.CodeOf(err) != endpoint.Unavailable
			})
			if v, err := say("sum", "1", "2"); v != int64(3) || err != nil {
				t.Errorf("%s: %v, %v", w.name, v, err)
			}
			if v, err := say("concat", "foo", "bar"); v != "foobar" || err != nil {
				t.Errorf("%s: %v, %v", w.name, v, err)
			}
			if _, err := say("sum", "0", "0"); !errors.Is(err, ErrTwoZeroes) {
				t.Errorf("%s: the error is %v", w.name, err)
			}
			for _, wrong := range [][]string{{"sum", "1", "x"}, {"sum", "1"}, {"divide", "1", "2"}, {"-what"}} {
				if _, err := say(wrong...); err == nil {
					t.Errorf("%s: %q is taken", w.name, wrong)
				}
			}
		}
		if file != "" {
			if _, err := run(t.Context(), []string{"-grpc", grpc, "sum", "1", "2"}); endpoint.CodeOf(err) != endpoint.Unavailable {
				t.Errorf("in plain text: %v", err)
			}
		}
		if _, err := run(t.Context(), append(flags, "serve")); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("a second one at the same addresses: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + "not there"} {
		if _, err := run(t.Context(), []string{"-tls", file, "sum", "1", "2"}); err == nil {
			t.Errorf("%s is taken for a certificate", file)
		}
	}
}

// A client needs a certificate, unless the server does not ask for one.
func TestTLSIsMutualAndNeedNotBe(t *testing.T) {
	mutual, err := LoadTLS(certificate(t))
	if err != nil {
		t.Fatal(err)
	}
	anonymous, oneWay := mutual.Clone(), mutual.Clone()
	anonymous.Certificates, oneWay.ClientAuth = nil, tls.NoClientCert
	for _, w := range wires {
		for name, tt := range map[string]struct {
			server, client *tls.Config
			refused        string
		}{
			"mutual":    {mutual, mutual, ""},
			"one way":   {oneWay, anonymous, ""},
			"anonymous": {mutual, anonymous, "certificate required"},
		} {
			registry := memory.NewRegistry()
			start(t, registry, w.server(NewEndpoints(Service{}, quiet), tt.server))
			service, hangUp, err := w.client(registry.Instancer("addsvc"), tt.client)
			if err != nil {
				t.Fatal(err)
			}
			defer hangUp()
			eventually(t, func() bool {
				_, err := service.Sum(t.Context(), SumRequest{A: 1})
				if err == nil && tt.refused != "" {
					t.Fatalf("%s, %s: it is let in", w.name, name)
				}
				return err == nil || tt.refused != "" && strings.Contains(err.Error(), tt.refused)
			})
		}
	}
}

// certificate makes a certificate that is its own authority, good for both sides.
func certificate(t *testing.T) (file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"addsvc"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "addsvc.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
