package zookeeper_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
)

// TestManyRegistrationsComeBack: a thousand registrations on one client are back after
// a restart without data, and do not keep the client from connecting.
func TestManyRegistrationsComeBack(t *testing.T) {
	t.Parallel()
	const n = 1000
	server := testserver.NewZooKeeper(t)
	client := connect(t, nil, server.Addr())
	w := watch(t, instancer(t, client, web))
	registrar := registrar(t, client, web)
	registrations := make([]*sd.Registration, n)
	// each does f for all, some at a time.
	each := func(f func(i int)) {
		var wg sync.WaitGroup
		for from := range 50 {
			wg.Go(func() {
				for i := from; i < n; i += 50 {
					f(i)
				}
			})
		}
		wg.Wait()
	}
	each(func(i int) {
		var err error
		if registrations[i], err = registrar.Register(t.Context(), at(fmt.Sprintf("i-%04d", i))); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		return
	}
	w.until("all are seen", func() bool { return w.len() == n })
	session := client.SessionID()
	server.Kill()
	server.Wipe()
	time.Sleep(timeout)
	server.Start()
	start := time.Now()
	eventually(t, "all are registered", func() bool {
		for _, r := range registrations {
			if state := r.State(); !state.Registered {
				return false
			}
		}
		return client.SessionID() != 0
	})
	w.until("all are seen", func() bool { return w.len() == n })
	t.Logf("%d registrations are back %v after their server", n, time.Since(start).Round(time.Millisecond))
	if client.SessionID() == session {
		t.Error("the session survived, so nothing was shown")
	}
	each(func(i int) { deregister(t, registrations[i]) })
	w.sees()
}
