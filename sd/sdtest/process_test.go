package sdtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

// TestMain can be a registrant of a registry in the memory of another process. It lets
// two tests that wait in real time run beside as many children as there are processors.
func TestMain(m *testing.M) {
	sdtest.Registrant(func(addr string) (sd.Registrar, error) {
		if addr == "" {
			return nil, errors.New("no address")
		}
		return registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			return sd.Keep(ctx, in, &remote{addr: addr})
		}), nil
	})
	if err := flag.Set("test.parallel", strconv.Itoa(2+runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// remote is an entry that lives as long as a connection.
type remote struct {
	addr string
	conn net.Conn
}

func (r *remote) Put(ctx context.Context, in sd.Instance) (err error) {
	if r.conn, err = new(net.Dialer).DialContext(ctx, "tcp", r.addr); err != nil {
		return err
	}
	if err := json.NewEncoder(r.conn).Encode(in); err != nil {
		return err
	}
	_, err = r.conn.Read(make([]byte, 1))
	return err
}

func (*remote) Hold(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (r *remote) Remove(context.Context) error { return r.conn.Close() }

// listen makes a registry known to other processes, whose instances die with their
// connections, unless they are immortal.
func listen(t *testing.T, registry *memory.Registry, service string, ttl time.Duration, immortal bool) (addr string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(conn net.Conn) {
		defer conn.Close()
		var in sd.Instance
		if err := json.NewDecoder(conn).Decode(&in); err != nil {
			return
		}
		if _, err := registry.Registrar(service, memory.TTL(ttl)).Register(context.Background(), in); err != nil {
			return
		}
		_, _ = fmt.Fprint(conn, ".")
		_, _ = conn.Read(make([]byte, 1))
		if !immortal {
			registry.Faults().Kill(service, in.ID)
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// remoteHarness is that of a registry with registrants of other processes.
func remoteHarness(immortal bool) sdtest.Harness {
	const ttl = 3 * time.Second
	return sdtest.Harness{
		Lease: ttl, Patience: 3 * ttl,
		Must: []sdtest.Fault{sdtest.Process},
		New: func(t *testing.T, service string) sdtest.Service {
			registry := memory.NewRegistry()
			return sdtest.Service{
				Instancer: registry.Instancer(service),
				Registrar: registry.Registrar(service, memory.TTL(ttl)),
				Process:   listen(t, registry, service, ttl, immortal),
			}
		},
	}
}

func TestSuiteCatchesWhoOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	if out, err := child(t, "TestBroken$/^ProcessKilled", "mortal"); err != nil || !strings.Contains(out, "death → gone") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, err := child(t, "TestBroken$/^ProcessKilled", "immortal")
	if err == nil || !strings.Contains(out, "it is not so that the watch sees {a}") {
		t.Errorf("%v:\n%s", err, out)
	}
}
