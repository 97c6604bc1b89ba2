package testserver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

// quiet is how long is waited to see that nothing comes.
const quiet = 100 * time.Millisecond

func TestProxyForwards(t *testing.T) {
	p := testserver.NewProxy(t, echo(t))
	conn := dial(t, p)
	say(t, conn, "hello")
	hear(t, conn, "hello")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	if got, want := p.Traffic(), (testserver.Traffic{Connections: 1, ToServer: 5, ToClient: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProxyCutsOneWay(t *testing.T) {
	tests := map[string]struct {
		cut    testserver.Direction
		server int64 // bytes that reach the server
	}{
		"to server": {testserver.ToServer, 0},
		"to client": {testserver.ToClient, 2},
		"both ways": {testserver.BothWays, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testserver.NewProxy(t, echo(t))
			conn := dial(t, p)
			say(t, conn, "1")
			hear(t, conn, "1")
			before := p.Traffic()
			p.Cut(tt.cut)
			say(t, conn, "23")
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(30 * time.Second); p.Traffic().Since(before).ToServer < tt.server && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			silent(t, conn)
			if got := p.Traffic().Since(before); got.ToServer != tt.server || got.ToClient != 0 {
				t.Errorf("while cut %+v went through", got)
			}
			fresh := dial(t, p)
			say(t, fresh, "4")
			silent(t, fresh)

			p.Heal()
			if rest, err := readAll(conn); err != nil || rest != "23" {
				t.Errorf("after the cut: %q, %v", rest, err)
			}
			hear(t, fresh, "4")
			if got := p.Traffic().Connections; got != 2 {
				t.Errorf("%d connections", got)
			}
		})
	}
}

func TestProxyHoldsBackTheEndOfAConnection(t *testing.T) {
	ended := make(chan error, 1)
	addr := listen(t, func(conn net.Conn) {
		_, err := io.Copy(conn, conn)
		ended <- err
	})
	p := testserver.NewProxy(t, addr)
	conn := dial(t, p)
	say(t, conn, "1")
	hear(t, conn, "1")
	p.Cut(testserver.ToServer)
	conn.Close()
	select {
	case err := <-ended:
		t.Errorf("the end passed a cut: %v", err)
	case <-time.After(quiet):
	}
	p.Heal()
	if err := <-ended; err != nil {
		t.Errorf("after the cut: %v", err)
	}
}

func TestProxyResets(t *testing.T) {
	for name, cut := range map[string]testserver.Direction{"healthy": 0, "cut": testserver.BothWays} {
		t.Run(name, func(t *testing.T) {
			p := testserver.NewProxy(t, echo(t))
			conn := dial(t, p)
			say(t, conn, "1")
			hear(t, conn, "1")
			p.Cut(cut)
			p.Reset()
			if _, err := readAll(conn); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v", err)
			}
			p.Heal()
			conn = dial(t, p)
			say(t, conn, "2")
			hear(t, conn, "2")
		})
	}
}

func TestProxyRefuses(t *testing.T) {
	p := testserver.NewProxy(t, echo(t))
	conn := dial(t, p)
	say(t, conn, "1")
	hear(t, conn, "1")
	p.Refuse()
	if c, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, %v", c, err)
	}
	say(t, conn, "2")
	hear(t, conn, "2")
	p.Heal()
	fresh := dial(t, p)
	say(t, fresh, "3")
	hear(t, fresh, "3")
}

// Who talks to a server that is down sees a connection that breaks.
func TestProxyBreaksConnectionsOfAServerThatIsDown(t *testing.T) {
	p := testserver.NewProxy(t, "127.0.0.1:1")
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil { // it may break before or after
		defer conn.Close()
		_, err = readAll(conn)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

func TestProxyConcurrentSafe(t *testing.T) {
	p := testserver.NewProxy(t, echo(t))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				if conn, err := net.Dial("tcp", p.Addr()); err == nil {
					fmt.Fprint(conn, n)
					conn.Close()
				}
				switch i {
				case 0:
					p.Cut(testserver.BothWays)
				case 1:
					p.Heal()
				case 2:
					p.Refuse()
				case 3:
					p.Reset()
				}
				p.Traffic()
			}
		})
	}
	wg.Wait()
}

// echo starts a server that sends back what it reads, and returns its address.
func echo(t *testing.T) string {
	return listen(t, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
}

func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *testserver.Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr(), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	deadline(t, conn, 30*time.Second)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	deadline(t, conn, quiet)
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func readAll(conn net.Conn) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

func deadline(t *testing.T, conn net.Conn, d time.Duration) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}
