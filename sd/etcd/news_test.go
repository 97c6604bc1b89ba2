package etcd

import (
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// TestSleepingConsumer: who comes and goes while the consumer of a watch sleeps leaves
// nothing behind, and who it knows is not forgotten.
func TestSleepingConsumer(t *testing.T) {
	const p = place("/s/")
	n, revision := newNews(), int64(1)
	put := func(id, value string, made int64) *mvccpb.Event {
		revision++
		if made == 0 {
			made = revision
		}
		return &mvccpb.Event{Kv: &mvccpb.KeyValue{
			Key: []byte(p.key(id)), Value: []byte(value), CreateRevision: made, ModRevision: revision,
		}}
	}
	gone := func(id string) *mvccpb.Event {
		revision++
		return &mvccpb.Event{Type: mvccpb.Event_DELETE, Kv: &mvccpb.KeyValue{Key: []byte(p.key(id)), ModRevision: revision}}
	}
	n.listed(p, []*mvccpb.KeyValue{put("a", "a:1", 0).Kv, put("b", "b:1", 0).Kv})
	set := n.take().set(nil)
	for i := range 1000 {
		id := fmt.Sprint("x", i)
		n.events(p, []*mvccpb.Event{put(id, "x:1", 0), put(id, "x:2", revision)})
		n.events(p, []*mvccpb.Event{put(id, "no port", revision-1), gone(id), put(id, "bad", 0), gone(id)})
		// These two are known, and so is that they went.
		n.events(p, []*mvccpb.Event{gone("a"), put("a", "a:2", 0), gone("a"), gone("b"), put("b", "b:2", 0)})
	}
	if len(n.changed) != 2 || len(n.born) != 0 || len(n.reported) != 0 {
		t.Errorf("it keeps %d changes, %d keys and %d reports", len(n.changed), len(n.born), len(n.reported))
	}
	set = n.take().set(set)
	if len(set) != 1 || set[0].ID != "b" || set[0].Addr != "b:2" {
		t.Errorf("the set is %v", set)
	}
	n.events(p, []*mvccpb.Event{gone("b"), put("c", "c:1", 0)})
	if set = n.take().set(set); len(set) != 1 || set[0].ID != "c" {
		t.Errorf("the set is %v", set)
	}
	n.events(p, []*mvccpb.Event{gone("c")}) // it is known now
	if set = n.take().set(set); len(set) != 0 {
		t.Errorf("the set is %v", set)
	}
}
