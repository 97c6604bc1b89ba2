package etcd

import (
	"fmt"

	"github.com/dowelkit/dowel/sd"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// listed takes the whole of a place: whatever was heard before is out of date.
func (n *news) listed(p place, kvs []*mvccpb.KeyValue) {
	n.mu.Lock()
	n.changed = make(map[string]*sd.Instance, len(kvs))
	n.whole, n.fresh, n.fault = true, true, nil
	clear(n.born)
	stale := n.reported
	n.reported = make(map[string]int64)
	for _, kv := range kvs {
		if rev, known := stale[string(kv.Key)]; known {
			n.reported[string(kv.Key)] = rev
		}
		n.put(p, kv)
	}
	n.mu.Unlock()
	n.ring()
}

// events takes changes, in the order in which they were made.
func (n *news) events(p place, events []*mvccpb.Event) {
	n.mu.Lock()
	for _, e := range events {
		if e.Type == mvccpb.Event_DELETE {
			delete(n.reported, string(e.Kv.Key))
			n.gone(p, string(e.Kv.Key))
			delete(n.born, string(e.Kv.Key))
			continue
		}
		if e.IsCreate() {
			n.bear(p, string(e.Kv.Key))
		}
		n.put(p, e.Kv)
	}
	n.fresh = true
	n.mu.Unlock()
	n.ring()
}

// put takes one entry, which may be malformed. It needs the mutex.
func (n *news) put(p place, kv *mvccpb.KeyValue) {
	id, ours, err := p.id(string(kv.Key))
	if !ours {
		return
	}
	var in sd.Instance
	if err == nil {
		in, _, err = decode(id, kv.Value)
	}
	if err != nil {
		n.report(kv, err)
		n.gone(p, string(kv.Key))
		return
	}
	delete(n.reported, string(kv.Key))
	n.changed[id] = &in
}

// bear takes it that a key was made. If there was no word of it since the consumer was
// told, it knows of nobody there. It needs the mutex.
func (n *news) bear(p place, key string) {
	id, ours, err := p.id(key)
	if _, changed := n.changed[id]; ours && err == nil && !n.whole && !changed {
		n.born[key] = struct{}{}
	}
}

// gone takes it that nobody useful is at a key. Who came and went while the consumer
// slept leaves nothing behind, or that would grow with its sleep. It needs the mutex.
func (n *news) gone(p place, key string) {
	id, ours, err := p.id(key)
	_, born := n.born[key]
	switch {
	case !ours || err != nil:
	case n.whole, born:
		delete(n.changed, id)
	default:
		n.changed[id] = nil
	}
}

// report notes what is wrong with an entry, once for each revision of it. It needs
// the mutex.
func (n *news) report(kv *mvccpb.KeyValue, err error) {
	const most = 10
	key := string(kv.Key)
	if rev, known := n.reported[key]; known && rev == kv.ModRevision {
		return
	}
	n.reported[key] = kv.ModRevision
	if len(n.malformed) == most {
		n.dropped++
		return
	}
	n.malformed = append(n.malformed, fmt.Errorf("%q: %w", key, err))
}
