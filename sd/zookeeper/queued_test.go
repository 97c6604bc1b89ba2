package zookeeper_test

import (
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counting notes which requests to set watches again were written.
type counting struct {
	net.Conn
	sets *atomic.Int32
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if len(b) >= 12 && binary.BigEndian.Uint32(b[8:]) == opSetWatches {
		c.sets.Add(1)
	}
	return n, err
}

// TestQueuedRequestsWaitForWatches: what was asked while the connection was away is
// answered once the client has said which watches it sets again. Before that it reads
// the last transaction that it has seen, which an answer overwrites: a race of the
// client's own.
func TestQueuedRequestsWaitForWatches(t *testing.T) {
	for name, sprung := range map[string]bool{"a watch to set": false, "none left": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { queuedRequests(t, sprung) })
		})
	}
}

func queuedRequests(t *testing.T, sprung bool) {
	f := newFake(map[string]string{web: "", web + "/a": data("a", 1)})
	var sets atomic.Int32
	dial := func(network, addr string, timeout time.Duration) (net.Conn, error) {
		conn, err := f.dial(network, addr, timeout)
		return counting{conn, &sets}, err
	}
	client := connectFor(t, 10*time.Second, dial, "127.0.0.1:1")
	if _, _, _, err := client.GetW(web + "/a"); err != nil {
		t.Fatal(err)
	}
	if sprung {
		f.set(web+"/a", data("a", 2))
		synctest.Wait()
	}
	f.breakAll()
	time.Sleep(time.Second / 2) // of the one that the client waits before it dials
	f.open()
	type reply struct {
		err  error
		sets int32 // so many were written by then
	}
	start, replies := time.Now(), make(chan reply)
	const requests = 12 // as many as the client takes at once
	for range requests {
		go func() {
			_, _, err := client.Get(web + "/a")
			replies <- reply{err, sets.Load()}
		}()
	}
	for range requests {
		switch r := <-replies; {
		case r.err != nil:
			t.Error(r.err)
		case !sprung && r.sets != 1:
			t.Errorf("an answer came after %d requests to set watches again; want 1", r.sets)
		}
	}
	least := time.Second / 2 // to the next connection
	if took := time.Since(start); !sprung && took != least {
		t.Errorf("the answers took %v; want %v", took, least)
	} else if took > 2*least {
		t.Errorf("the answers took %v where there is nothing to wait for", took)
	}
}
