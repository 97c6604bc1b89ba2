package zookeeper_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

// mute accepts connections, says what it has to say and falls silent.
func mute(t *testing.T, says string) (addr string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, says)
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	return listener.Addr().String()
}

// TestDialerGivesUpOnSilentServers: a client that meets a server which accepts it and
// then says nothing, or begins an answer, tries the next one.
func TestDialerGivesUpOnSilentServers(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	for name, says := range map[string]string{"silent": "", "falls silent": "\x00\x00\x00\x25"} {
		t.Run(name, func(t *testing.T) {
			addr, worst := mute(t, says), time.Duration(0)
			for range 4 { // the client tries them in an order of its own
				start := time.Now()
				client := connect(t, nil, addr, server.Addr())
				worst = max(worst, time.Since(start))
				client.Close()
			}
			t.Logf("connected after %v at worst", worst.Round(time.Millisecond))
			if worst > recovery { // without a Dialer it is six sessions and more
				t.Errorf("it took %v to get past a silent server; a session is %v", worst, timeout)
			}
		})
	}
}

// TestLostDataWithDialer: the server restarts without its data. Watches see the truth
// and registrations are back by themselves.
func TestLostDataWithDialer(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	client := connect(t, nil, server.Addr())
	w := watch(t, instancer(t, client, web))
	registrar := registrar(t, client, web)
	for _, id := range []string{"a", "b"} {
		register(t, registrar, at(id))
	}
	w.sees("a", "b")
	for range 2 {
		w.lowest()
		before := len(w.failures())
		server.Kill()
		w.until("the outage is told", func() bool { return len(w.failures()) > before })
		server.Wipe()
		if low := w.lowest(); low != 2 {
			t.Errorf("in the outage a set of %d was yielded", low)
		}
		server.Start()
		start := time.Now()
		w.until("the loss is told", func() bool { return len(w.failures()) > before+1 })
		w.until("a set comes after that, whatever is back by then", w.well)
		w.sees("a", "b")
		took := time.Since(start)
		t.Logf("the truth is seen %v after the return", took.Round(time.Millisecond))
		if took > recovery {
			t.Errorf("it took %v after the return", took)
		}
	}
}
