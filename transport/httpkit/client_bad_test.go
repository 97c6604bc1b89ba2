package httpkit_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// callX calls POST /x of base once.
func callX(ctx context.Context, t *testing.T, base string, opts ...httpkit.ClientOption) error {
	t.Helper()
	_, err := httpkit.NewEndpoint[clientWord, clientWord](dial(t, base, opts...), "POST /x")(ctx, clientWord{"hi"})
	return err
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// arrives is a time in which a request gets to its server, on a slow machine too.
const arrives = time.Second

// A server that got the request may have processed it, whatever it does then.
func TestClientBadServers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	tests := []struct {
		name  string
		serve func(conn net.Conn)
		code  endpoint.Code
	}{
		{"hangs up", func(net.Conn) {}, endpoint.Unavailable},
		{"resets", reset, endpoint.Unavailable},
		{"hangs up in the headers", func(c net.Conn) { io.WriteString(c, head) }, endpoint.Unavailable},
		{"hangs up in the body", func(c net.Conn) { io.WriteString(c, head+"Content-Length: 20\r\n\r\n{\"te") }, endpoint.Unavailable},
		{"hangs up in a chunk", func(c net.Conn) { io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\nff\r\n{\"te") }, endpoint.Unavailable},
		{"resets in the body", func(c net.Conn) { io.WriteString(c, head+"Content-Length: 20\r\n\r\n{\"te"); reset(c) }, endpoint.Unavailable},
		{"breaks off an error", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\nno") }, endpoint.NotFound},
		{"speaks no HTTP", func(c net.Conn) { io.WriteString(c, "220 mail.example.com ESMTP\r\n") }, endpoint.Unavailable},
		{"long headers", func(c net.Conn) {
			io.WriteString(c, head)
			for range 10_000 {
				if _, err := io.WriteString(c, "X-Padding: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, endpoint.Unavailable},
		{"never answers", func(c net.Conn) { c.Read(make([]byte, 1)) }, endpoint.DeadlineExceeded},
		{"never ends its headers", func(c net.Conn) { io.WriteString(c, head); c.Read(make([]byte, 1)) }, endpoint.DeadlineExceeded},
		{"never ends its body", func(c net.Conn) {
			io.WriteString(c, head+"Content-Length: 20\r\n\r\n{")
			c.Read(make([]byte, 1))
		}, endpoint.DeadlineExceeded},
		{"endless body", func(c net.Conn) {
			_, err := io.WriteString(c, head+"\r\n")
			for text := strings.Repeat("[", 1<<14); err == nil; {
				_, err = io.WriteString(c, text)
			}
		}, endpoint.ResourceExhausted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := 10 * time.Second
			if tt.code == endpoint.DeadlineExceeded {
				timeout = arrives
			}
			base := rawServer(t, tt.serve)
			err := callX(t.Context(), t, base, httpkit.ClientTimeout(timeout))
			checkFailure(t, err, tt.code, "")
			if tt.code == endpoint.DeadlineExceeded && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v is not the context's error", err)
			}
			if tt.code == endpoint.ResourceExhausted && !errors.Is(err, httpkit.ErrResponseTooLarge) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClientContext(t *testing.T) {
	given, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	silent := func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }
	base := rawServer(t, silent)
	soon, cancel := context.WithTimeout(t.Context(), arrives)
	defer cancel()
	checkFailure(t, callX(soon, t, base), endpoint.DeadlineExceeded, "POST /x")

	base = rawServer(t, func(c net.Conn) { giveUp(); silent(c) })
	checkFailure(t, callX(given, t, base, httpkit.ClientTimeout(0)), endpoint.Canceled, "POST /x")

	err := callX(given, t, base) // it is over before it begins
	if e, _ := errors.AsType[*endpoint.Error](err); e == nil || e.Code != endpoint.Canceled || !e.Local || !e.NotProcessed {
		t.Errorf("got %#v", err)
	}
	own := &http.Client{Timeout: arrives}
	checkFailure(t, callX(t.Context(), t, base, httpkit.HTTPClient(own)), endpoint.DeadlineExceeded, "Timeout")
	slow := &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 50 * time.Millisecond}}
	checkFailure(t, callX(t.Context(), t, base, httpkit.HTTPClient(slow)), endpoint.DeadlineExceeded, "awaiting")
}

// The mark NotProcessed is given only if no server can have seen the request.
func TestClientNotProcessed(t *testing.T) {
	refused := "http://" + refusedAddr(t)
	over := httptest.NewUnstartedServer(nil)
	over.Config.ErrorLog = log.New(io.Discard, "", 0)
	over.StartTLS()
	defer over.Close()
	nowhere := &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Resolver: testserver.NewDNS(t).Resolver()}).DialContext,
	}}
	hole := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	opaque := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.EOF })}
	coded := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("here: %w", &endpoint.Error{Code: endpoint.ResourceExhausted, NotProcessed: true, Local: true})
	})}
	tests := []struct {
		name         string
		base         string
		opts         []httpkit.ClientOption
		code         endpoint.Code
		notProcessed bool
		local        bool
	}{
		{"refused", refused, nil, endpoint.Unavailable, true, false},
		{"no such host", "http://host.invalid", []httpkit.ClientOption{httpkit.HTTPClient(nowhere)}, endpoint.Unavailable, true, false},
		{"unknown certificate", over.URL, nil, endpoint.Unavailable, true, false},
		{"black hole", refused, []httpkit.ClientOption{httpkit.HTTPClient(hole), httpkit.ClientTimeout(20 * time.Millisecond)},
			endpoint.DeadlineExceeded, true, false},
		{"another transport", refused, []httpkit.ClientOption{httpkit.HTTPClient(opaque)}, endpoint.Unavailable, false, false},
		{"a limiter in the transport", refused, []httpkit.ClientOption{httpkit.HTTPClient(coded)}, endpoint.ResourceExhausted, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := callX(t.Context(), t, tt.base, tt.opts...)
			e, _ := errors.AsType[*endpoint.Error](err)
			if e == nil || e.Code != tt.code || e.NotProcessed != tt.notProcessed || e.Local != tt.local || !e.Outgoing {
				t.Errorf("got %#v: %v", e, err)
			}
			if pub := endpoint.Public(err); pub.NotProcessed {
				t.Error("the mark goes on to our own caller")
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// net/http dials again when a kept connection turns out to be closed. That the
// second attempt never reached a server proves nothing of the first.
func TestClientRepeatedByTransport(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		l.Close() // the next dial is refused
		defer conn.Close()
		buf := make([]byte, 4096)
		_, _ = conn.Read(buf)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"text\":\"hi\"}")
		_, _ = conn.Read(buf) // and process the second request
	}()
	c := dial(t, "http://"+l.Addr().String())
	get := httpkit.NewEndpoint[struct{}, clientWord](c, "GET /x") // net/http repeats a GET
	if _, err := get(t.Context(), struct{}{}); err != nil {
		t.Fatal(err)
	}
	_, err = get(t.Context(), struct{}{})
	checkFailure(t, err, endpoint.Unavailable, "refused")
}

func TestClientHidesURL(t *testing.T) {
	secret := httpkit.NewEndpoint[struct {
		Token string `query:"token"`
	}, clientWord](dial(t, "http://user:hunter2@"+refusedAddr(t)), "GET /x")
	_, err := secret(t.Context(), struct {
		Token string `query:"token"`
	}{"hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	for _, base := range []string{"http://user:hunter2@[::1", "http://user:hunter2@host:port"} {
		if _, err := httpkit.NewClient(base); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

func TestClientMaxResponse(t *testing.T) {
	body := `{"text":"` + strings.Repeat("x", 89) + `"}` // 100 bytes
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Fail") != "" {
			w.WriteHeader(http.StatusConflict)
		}
		_, _ = io.WriteString(w, body)
	})
	if err := callX(t.Context(), t, base, httpkit.MaxResponse(100)); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	var o httpkit.ClientOutcome
	err := callX(t.Context(), t, base, httpkit.MaxResponse(99), httpkit.ClientFinally(func(_ context.Context, got httpkit.ClientOutcome) { o = got }))
	checkFailure(t, err, endpoint.ResourceExhausted, "more than 99 bytes")
	if !errors.Is(err, httpkit.ErrResponseTooLarge) || o.Received != 99 {
		t.Errorf("got %v after %d bytes", err, o.Received)
	}
	fails := httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) {
		r.Header.Set("Fail", "yes")
		return r, nil
	})
	err = callX(t.Context(), t, base, httpkit.MaxResponse(9), fails)
	checkFailure(t, err, endpoint.Aborted, "409 Conflict")
	if !strings.Contains(err.Error(), strings.Repeat("x", 89)) {
		t.Errorf("the limit of responses cuts errors: %v", err)
	}
}

func TestClientTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"text":%q}`, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	defer server.Close()
	c := dial(t, server.URL, httpkit.HTTPClient(server.Client()))
	got, err := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")(t.Context(), clientWord{})
	if err != nil || got.Text != "HTTP/2.0" {
		t.Errorf("got %v, %v", got, err)
	}
}

// Somebody else's server may mean something else by a field of the same name, or
// mean it badly: by NotProcessed we would send a payment twice.
func TestClientDistrustsForeignMarks(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"aborted","detail":"buy now","reason":"SALE","retry_after_ms":3600000,"not_processed":true}`)
	})
	ours := func(*http.Response, []byte) error {
		return &endpoint.Error{Code: endpoint.Aborted, NotProcessed: true}
	}
	for name, tt := range map[string]struct {
		opts         []httpkit.ClientOption
		notProcessed bool
		public       endpoint.Error // what those whom we serve are told
	}{
		"our own": {nil, true, endpoint.Error{
			Code: endpoint.Aborted, Message: "buy now", Reason: "SALE", RetryAfter: time.Hour,
		}},
		"foreign": {[]httpkit.ClientOption{httpkit.Foreign()}, false, endpoint.Error{
			Code: endpoint.Aborted, Message: "the call was aborted", RetryAfter: 7 * time.Second,
		}},
		"foreign, and understood": {[]httpkit.ClientOption{httpkit.Foreign(), httpkit.ErrorDecoder(ours)}, true, endpoint.Error{
			Code: endpoint.Aborted, Message: "the call was aborted",
		}},
	} {
		call := httpkit.NewEndpoint[clientWord, clientWord](dial(t, base, tt.opts...), "POST /x")
		_, err := call(t.Context(), clientWord{})
		if endpoint.IsNotProcessed(err) != tt.notProcessed || *endpoint.Public(err) != tt.public {
			t.Errorf("%s: got %v, not processed %v, and say %+v", name, err, endpoint.IsNotProcessed(err), *endpoint.Public(err))
		}
		if name == "foreign" && !strings.Contains(err.Error(), "SALE") {
			t.Errorf("the log reads %v", err)
		}
	}
}
