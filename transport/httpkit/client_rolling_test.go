package httpkit_test

import (
	"context"
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
}

func dialUpper(_ context.Context, in *sd.Instance) (*upperClient, error) {
	c, err := httpkit.NewClient("http://" + in.Addr)
	if err != nil {
		return nil, err
	}
	return &upperClient{c, httpkit.NewEndpoint[clientWord, clientWord](c, "POST /upper")}, nil
}

func (c *upperClient) Upper(ctx context.Context, w clientWord) (clientWord, error) {
	return c.upper(ctx, w)
}

// All instances are replaced while callers call through discovery and balancing,
// without any retry, and no call is lost.
func TestClientRollingRestart(t *testing.T) {
	registry := memory.NewRegistry()
	upper := func(_ context.Context, w clientWord) (clientWord, error) {
		return clientWord{strings.ToUpper(w.Text)}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("POST /upper", httpkit.NewHandler(upper, httpkit.DecodeJSON, httpkit.EncodeJSON))
	var stopped sync.WaitGroup
	member := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		registered := make(chan struct{})
		stopped.Go(func() {
			if err := transport.Serve(ctx, "127.0.0.1:0", httpkit.NewServer(mux), transport.NoticeDelay(time.Second),
				transport.Register(registry.Registrar("upper"), sd.Instance{}),
				transport.OnRegister(func(*sd.Registration) { close(registered) })); err != nil {
				t.Errorf("the stop was not clean: %v", err)
			}
		})
		<-registered
		return cancel
	}
	old := []func(){member(), member()}
	clients := sd.NewEndpointer(registry.Instancer("upper"), dialUpper)
	defer clients.Close()
	if err := clients.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	call := lb.Endpoint(lb.New(clients, lb.LeastRequest()), (*upperClient).Upper)

	var calls, after atomic.Int64
	over := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				got, err := call(t.Context(), clientWord{"abc"})
				if err != nil || got.Text != "ABC" {
					t.Errorf("call %d was lost: %v, %v", calls.Load(), got, err)
					return
				}
				calls.Add(1)
			}
		})
	}
	fresh := []func(){member(), member()}
	before := calls.Load()
	for _, stop := range old {
		stop()
	}
	time.AfterFunc(2500*time.Millisecond, func() {
		after.Store(calls.Load())
		close(over)
	})
	callers.Wait()
	for _, stop := range fresh {
		stop()
	}
	stopped.Wait()
	if after.Load() <= before {
		t.Error("no call ran during the restart")
	}
}
