package transport_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
)

// The server of the standard library fits as it is.
var _ transport.Server = (*http.Server)(nil)

// member runs an HTTP server as a member of a service until stop is called.
func member(t *testing.T, reg *registry, h http.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, up := make(chan error, 1), make(chan struct{})
	go func() {
		done <- transport.Serve(ctx, "127.0.0.1:0", &http.Server{Handler: h}, quiet,
			transport.Register(reg, sd.Instance{}), transport.NoticeDelay(10*time.Millisecond),
			transport.OnRegister(func(*sd.Registration) { close(up) }))
	}()
	<-up
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the stop was not clean: %v", err)
		}
	}
}

// A fleet is replaced member by member under load, and no request is lost: not
// even POST requests, which no client repeats. A caller that has chosen a member
// keeps it in the registry until the member has begun to answer, so that a slow
// machine does not take longer to send a request than clients get to notice.
func TestServeRollingRestart(t *testing.T) {
	reg := &registry{}
	var begun sync.Map // from a call's number to what its begin releases
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if release, ok := begun.Load(r.URL.Path); ok {
			release.(func())()
		}
		time.Sleep(rand.N(3 * time.Millisecond)) // so that a stop meets calls
		_, _ = io.Copy(w, r.Body)
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	// As the clients of an instance do when it leaves. A server waits 5 s for a
	// connection that has carried nothing yet.
	reg.onEvent = func(event string) {
		if event == "deregistered" {
			client.CloseIdleConnections()
		}
	}
	fleet := []func(){member(t, reg, echo), member(t, reg, echo)}

	var calls atomic.Int64
	made, over := make(chan struct{}, 20), make(chan struct{})
	end := sync.OnceFunc(func() { close(over) })
	var workers sync.WaitGroup
	call := func() error {
		path := "/" + strconv.FormatInt(calls.Add(1), 10)
		reg.chosen.RLock()
		release := sync.OnceFunc(reg.chosen.RUnlock)
		defer release()
		begun.Store(path, release)
		defer begun.Delete(path)
		there := reg.instances()
		return post(t.Context(), client, there[rand.IntN(len(there))].Addr+path)
	}
	for range 8 {
		workers.Go(func() {
			for {
				if err := call(); err != nil {
					t.Errorf("a request was lost: %v", err)
					end()
				}
				select {
				case made <- struct{}{}:
				case <-over:
					return
				default: // only the restarts wait for calls
				}
			}
		})
	}
	for range 4 {
		next := member(t, reg, echo)
		fleet[0]()
		fleet = append(fleet[1:], next)
		for range 20 {
			select {
			case <-made:
			case <-over:
			}
		}
	}
	end()
	workers.Wait()
	for _, stop := range fleet {
		stop()
	}
	if left := reg.instances(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
}

func post(ctx context.Context, client *http.Client, url string) error {
	// A reader without GetBody: net/http itself must not be able to repeat it.
	body := struct{ io.Reader }{strings.NewReader("hello")}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+url, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// The end of Serve's context is not the end of the calls in flight.
func TestServeKeepsCallsInFlight(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr, finish := make(chan string, 1), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-finish
		if err := r.Context().Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	done := make(chan error, 1)
	go func() {
		done <- transport.Serve(ctx, "127.0.0.1:0", &http.Server{Handler: h},
			transport.OnListen(func(a net.Addr) { addr <- a.String() }))
	}()
	at := <-addr
	answer := make(chan error, 1)
	go func() { answer <- post(t.Context(), http.DefaultClient, at) }()
	<-ctx.Done()
	for refused := false; !refused; { // the door is shut while the call runs
		c, err := net.Dial("tcp", at)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait for the call: %v", err)
	default:
	}
	close(finish)
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
