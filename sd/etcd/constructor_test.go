package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
)

// What the types promise.
var (
	_ sd.Instancer = (*etcd.Instancer)(nil)
	_ sd.Registrar = (*etcd.Registrar)(nil)
)

func TestPrefix(t *testing.T) {
	client := dial(t, "127.0.0.1:1") // which is never asked
	for prefix, fault := range map[string]string{
		"/services/foo": "", "/services/foo/": "", "foo": "", "/foo": "", "services/foo": "",
		"": "is empty", "/": "is empty", "//": "has an empty element", "/a//b": "has an empty element", "/a//": "has an empty element",
		"/a b": "has a space", "/a\n": "has a space", "/\xff": "is not UTF-8", "/a \xff": "is not UTF-8\netcd:",
	} {
		_, watching := etcd.NewInstancer(client, prefix)
		_, registering := etcd.NewRegistrar(client, prefix)
		for _, err := range []error{watching, registering} {
			if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
				t.Errorf("prefix %q: %v; want %q", prefix, err, fault)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	client := dial(t, "127.0.0.1:1")
	wrapped := dial(t, "127.0.0.1:1")
	wrapped.KV = namespace.NewKV(wrapped.KV, "/mine")
	bodiless := clientv3.NewCtxClient(t.Context())
	for want, f := range map[string]func(){
		"etcd: NewInstancer: client is nil": func() { _, _ = etcd.NewInstancer(nil, "/s") },
		"etcd: NewInstancer: client is nil; option 1 is nil; WatchSilence must be at least 1s, not 1ms; WatchBackoff must not be negative, not {Base:-1ns Cap:0s}": func() {
			_, _ = etcd.NewInstancer(nil, "", nil, etcd.WatchSilence(time.Millisecond), etcd.WatchBackoff(sd.Backoff{Base: -1}))
		},
		"etcd: NewInstancer: client is wrapped":                                         func() { _, _ = etcd.NewInstancer(wrapped, "/s") },
		"etcd: NewInstancer: client has no connection":                                  func() { _, _ = etcd.NewInstancer(bodiless, "/s") },
		"etcd: NewRegistrar: client is nil":                                             func() { _, _ = etcd.NewRegistrar(nil, "/s") },
		"etcd: NewRegistrar: client is wrapped":                                         func() { _, _ = etcd.NewRegistrar(wrapped, "/s") },
		"etcd: NewRegistrar: option 1 is nil; RegisterTTL must be at least 1s, not -1s": func() { _, _ = etcd.NewRegistrar(client, "", nil, etcd.RegisterTTL(-time.Second)) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, want) {
					t.Errorf("the panic is %q; want %q", text, want)
				}
			}()
			f()
		}()
	}
}

// TestErrors: what may be told apart can be.
func TestErrors(t *testing.T) {
	beside(t)
	server := newGuarded(t)
	in := sd.Instance{Addr: "h:1"}
	closed := dial(t, server.Addr(), as("root", "secret"))
	closed.Close()
	large := in
	large.Zone = strings.Repeat("z", 64<<10)
	for _, c := range []struct {
		name   string
		client *clientv3.Client
		in     sd.Instance
		want   error
		watch  bool
	}{
		{"no permission", dial(t, server.Addr(), as("nobody", "secret")), in, rpctypes.ErrPermissionDenied, true},
		{"no user", dial(t, server.Addr()), in, rpctypes.ErrUserEmpty, true},
		{"closed", closed, in, etcd.ErrClosed, true},
		{"too large", dial(t, server.Addr(), as("root", "secret")), large, nil, false},
		{"too large for nobody", dial(t, "127.0.0.1:1"), large, nil, false},
	} {
		start := time.Now()
		_, err := newRegistrar(t, c.client, "/s").Register(t.Context(), c.in)
		if took := time.Since(start); err == nil || c.want != nil && !errors.Is(err, c.want) || took > patience/3 {
			t.Errorf("%s: Register returns %v after %v; want %v at once", c.name, err, took, c.want)
		}
		if !c.watch {
			continue
		}
		w := watch(t, newInstancer(t, c.client, "/s"))
		eventually(t, func() bool {
			_, sets, errs := w.state()
			return sets == 0 && slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, c.want) })
		}, func() string { _, sets, errs := w.state(); return fmt.Sprint(c.name, sets, errs) })
	}
}

// TestClosedWhileWatching: the client is closed under a watch and a registration.
func TestClosedWhileWatching(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	client := dial(t, server.Addr())
	w := watch(t, newInstancer(t, client, "/s"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := newRegistrar(t, client, "/s").Register(ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	w.sees("x=old:1")
	client.Close()
	eventually(t, func() bool { _, _, errs := w.state(); return len(errs) > 0 && errors.Is(errs[0], etcd.ErrClosed) },
		func() string { return "the watch does not say that the client is closed" })
	eventually(t, func() bool { return errors.Is(r.State().Err, etcd.ErrClosed) },
		func() string { return "the registration does not say that the client is closed" })
	if err := r.Deregister(ctx); !errors.Is(err, etcd.ErrClosed) {
		t.Errorf("Deregister returns %v", err)
	}
}

// TestSilenceForEver: whoever does not want to hear of silence says so by a long time.
func TestSilenceForEver(t *testing.T) {
	beside(t)
	client := dial(t, testserver.NewEtcd(t).Addr())
	in, err := etcd.NewInstancer(client, "/s", etcd.WatchSilence(math.MaxInt64))
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, in)
	register(t, newRegistrar(t, client, "/s"), old)
	w.sees("x=old:1")
}
