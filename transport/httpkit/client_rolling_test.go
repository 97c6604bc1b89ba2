package httpkit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type upperClient struct {
	*httpkit.Client
	upper func(context.Context, clientWord) (clientWord, error)
	gone  func()
}

func (c *upperClient) Upper(ctx context.Context, w clientWord) (clientWord, error) {
	return c.upper(ctx, w)
}

func (c *upperClient) Close() error {
	defer c.gone()
	return c.Client.Close()
}

// fleet is a service, its members and its callers. A caller that has chosen a
// member keeps it registered until the member has begun to answer, and a member
// that left is served on until the clients have dropped it, so that a slow machine
// takes no longer than clients get to notice.
type fleet struct {
	registry *memory.Registry
	chosen   sync.RWMutex // read-locked by who must not lose a member
	begun    sync.Map     // from a call's text to what its begin releases
	gone     sync.Map     // from an address to a chan that is closed when its client is
}

func (f *fleet) left(addr string) chan struct{} {
	c, _ := f.gone.LoadOrStore(addr, make(chan struct{}))
	return c.(chan struct{})
}

func (f *fleet) dial(_ context.Context, in *sd.Instance) (*upperClient, error) {
	c, err := httpkit.NewClient("http://" + in.Addr)
	if err != nil {
		return nil, err
	}
	upper := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /upper")
	return &upperClient{c, upper, func() { close(f.left(in.Addr)) }}, nil
}

// Register implements sd.Registrar.
func (f *fleet) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &membership{fleet: f})
}

// membership is the entry of a member.
type membership struct {
	*fleet
	entry *sd.Registration
}

func (m *membership) Put(ctx context.Context, in sd.Instance) (err error) {
	m.entry, err = m.registry.Registrar("upper").Register(ctx, in)
	return err
}

func (m *membership) Hold(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (m *membership) Remove(ctx context.Context) error {
	m.chosen.Lock()
	defer m.chosen.Unlock()
	if err := m.entry.Deregister(ctx); err != nil {
		return err
	}
	select {
	case <-m.left(m.entry.Instance().Addr):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// member runs a member until stop is called. served gets calls that it answers.
func (f *fleet) member(t *testing.T) (stop func(), served <-chan struct{}) {
	answered := make(chan struct{}, 20)
	upper := func(_ context.Context, w clientWord) (clientWord, error) {
		if release, ok := f.begun.Load(w.Text); ok {
			release.(func())()
		}
		time.Sleep(rand.N(3 * time.Millisecond)) // so that a stop meets calls
		select {
		case answered <- struct{}{}:
		default:
		}
		return clientWord{strings.ToUpper(w.Text)}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("POST /upper", httpkit.NewHandler(upper, httpkit.DecodeJSON, httpkit.EncodeJSON))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := transport.Serve(ctx, "127.0.0.1:0", httpkit.NewServer(mux), transport.NoticeDelay(0),
			transport.Register(f, sd.Instance{})); err != nil {
			t.Errorf("the stop was not clean: %v", err)
		}
	}()
	return func() { cancel(); <-done }, answered
}

// All instances are replaced while callers call through discovery and balancing,
// without any retry, and no call is lost.
func TestClientRollingRestart(t *testing.T) {
	f := &fleet{registry: memory.NewRegistry()}
	clients := sd.NewEndpointer(f.registry.Instancer("upper"), f.dial)
	defer clients.Close()
	upper := lb.Endpoint(lb.New(clients, lb.LeastRequest()), (*upperClient).Upper)
	var calls atomic.Int64
	call := func() error {
		text := fmt.Sprint("abc", calls.Add(1))
		f.chosen.RLock()
		release := sync.OnceFunc(f.chosen.RUnlock)
		defer release()
		f.begun.Store(text, release)
		defer f.begun.Delete(text)
		got, err := upper(t.Context(), clientWord{text})
		if err == nil && got.Text != strings.ToUpper(text) {
			err = fmt.Errorf("the answer to %s is %s", text, got.Text)
		}
		return err
	}
	over := make(chan struct{})
	end := sync.OnceFunc(func() { close(over) })
	var callers sync.WaitGroup
	var stops []func()
	begin := func() {
		stop, served := f.member(t)
		stops = append(stops, stop)
		if len(stops) == 1 {
			if err := clients.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				callers.Go(func() {
					for {
						select {
						case <-over:
							return
						default:
						}
						if err := call(); err != nil {
							t.Errorf("a call was lost: %v", err)
							end()
							return
						}
					}
				})
			}
		}
		for range cap(served) {
			select {
			case <-served:
			case <-over:
			}
		}
	}
	begin()
	begin()
	for i := range 4 {
		begin()
		stops[i]()
	}
	end()
	callers.Wait()
	for _, stop := range stops {
		stop()
	}
}
