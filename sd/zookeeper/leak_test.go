package zookeeper_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/testserver"
)

// watches counts what the client keeps of watches. It has no function for that.
func watches(client *zk.Conn) (n int) {
	fields := reflect.ValueOf(client).Elem()
	lock := (*sync.Mutex)(unsafe.Pointer(fields.FieldByName("watchersLock").UnsafeAddr()))
	lock.Lock()
	defer lock.Unlock()
	for entries := fields.FieldByName("watchers").MapRange(); entries.Next(); {
		n += entries.Value().Len()
	}
	return n
}

// TestWatchesDoNotPileUp: watches that come and go, reconnects and changes leave as
// many watches in the client as there are nodes, and one for the list.
func TestWatchesDoNotPileUp(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	proxy := testserver.NewProxy(t, server.Addr())
	operator := newAdmin(t, server.Addr())
	const nodes = 30
	for i := range nodes {
		operator.make(fmt.Sprintf("%s/n-%02d", web, i), fmt.Appendf(nil, `{"id":"i-%02d","addr":"h.example:80"}`, i))
	}
	client := connect(t, nil, proxy.Addr())
	instances := instancer(t, client, web)
	const most = 3 // at a time
	look := func() {
		var wg sync.WaitGroup
		for range most {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for set, err := range instances.Watch(ctx) {
					if err == nil && len(set) != nodes {
						t.Errorf("a set has %d instances", len(set))
					}
					if err == nil {
						break
					}
				}
			})
		}
		wg.Wait()
	}
	look()
	if n := watches(client); n == 0 || n > most*(nodes+1) {
		t.Fatalf("after %d watches of %d nodes the client keeps %d", most, nodes, n)
	}
	w := watch(t, instances)
	w.until("all are seen", func() bool { return w.len() == nodes })
	for range 4 {
		for range 20 {
			look()
		}
		proxy.Reset()
		operator.set(web+"/n-00", fmt.Appendf(nil, `{"id":"i-00","addr":"h.example:80","zone":"%s"}`, time.Now()))
		operator.delete(web + "/n-01")
		operator.make(web+"/n-01", []byte(`{"id":"i-01","addr":"h.example:80"}`))
		w.until("all are seen", func() bool { return w.len() == nodes })
	}
	w.end()
	if n := watches(client); n > (most+1)*(nodes+1) {
		t.Errorf("at most %d watches of %d nodes ran at a time, and the client keeps %d", most+1, nodes, n)
	} else {
		t.Logf("at most %d watches of %d nodes ran at a time, %d in all, and the client keeps %d", most+1, nodes, 1+most*81, n)
	}
}
