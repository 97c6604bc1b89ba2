package zookeeper_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
)

// node returns the path of the only node of an instance.
func (a admin) node(parent, id string) (path string) {
	a.Helper()
	eventually(a, "there is one node of "+id, func() bool {
		n := 0
		for _, name := range a.names(parent) {
			if strings.HasPrefix(name, id+"-") {
				path = parent + "/" + name
				n++
			}
		}
		return n == 1
	})
	return path
}

// TestOperatorsTextStands: what an operator writes to a node outlives an outage that
// the session survives. A change by the registrant takes its place, and a node that
// has to be made again is the registrant's.
func TestOperatorsTextStands(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	proxy := testserver.NewProxy(t, server.Addr())
	operator := admin{t, connectFor(t, patient, nil, server.Addr())}
	client := connectFor(t, patient, nil, proxy.Addr())
	w := watch(t, instancer(t, operator.conn, web))
	r := register(t, registrar(t, client, web), at("a"))
	w.sees("a")
	weighs := func(weight int) {
		t.Helper()
		w.has(fmt.Sprintf("the weight %d", weight), func(in *sd.Instance) bool { return in.Weight == weight })
	}
	operator.set(operator.node(web, "a"), []byte(data("a", 9)))
	weighs(9)
	w.mu.Lock()
	sets := w.sets
	w.mu.Unlock()
	session := client.SessionID()
	proxy.Refuse()
	proxy.Reset()
	eventually(t, "the registration is in trouble", func() bool { return !r.State().Registered })
	proxy.Heal()
	eventually(t, "the registration is well", func() bool { return r.State().Registered })
	time.Sleep(time.Second / 2) // for what must not come
	if w.mu.Lock(); w.sets != sets || w.set[0].Weight != 9 {
		t.Errorf("after an outage there were %d sets and the weight is %d", w.sets-sets, w.set[0].Weight)
	}
	w.mu.Unlock()
	if client.SessionID() != session {
		t.Error("the session did not survive, so nothing was shown")
	}
	in := at("a")
	in.Weight = 3
	update(t, r, in)
	weighs(3)
	operator.set(operator.node(web, "a"), []byte(data("a", 8)))
	weighs(8)
	operator.deleteID(web, "a")
	weighs(3)
}

// TestSuccessorOutranksAfterLostData: servers that have lost their data count their
// transactions from the beginning. A registration that was there before still gives
// way to one of the same ID that is new.
func TestSuccessorOutranksAfterLostData(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	for i := range 50 {
		newAdmin(t, server.Addr()).make(fmt.Sprintf("/before/%d", i), nil)
	}
	old, young := connect(t, nil, server.Addr()), connect(t, nil, server.Addr())
	w := watch(t, instancer(t, connect(t, nil, server.Addr()), web))
	r := register(t, registrar(t, old, web), at("a"))
	w.sees("a")
	server.Kill()
	server.Wipe()
	server.Start()
	operator := newAdmin(t, server.Addr())
	operator.node(web, "a") // of the old one, which is back
	eventually(t, "the old one knows", func() bool { return r.State().Registered })
	in := at("a")
	in.Addr = "successor.example:80"
	register(t, registrar(t, young, web), in)
	w.has("the successor", func(got *sd.Instance) bool { return got.Addr == in.Addr })
	for _, addr := range []string{in.Addr, "a.example:80"} { // the old one is made again last
		gone := operator.deleteAt(web, addr)
		eventually(t, "it is made again", func() bool {
			return len(operator.names(web)) == 2 && operator.made(web, addr) > gone
		})
	}
	time.Sleep(time.Second / 2)
	w.has("the successor still", func(got *sd.Instance) bool { return got.Addr == in.Addr })
}

// made returns the transaction that made the node which says that address.
func (a admin) made(parent, addr string) (made int64) {
	for _, name := range a.names(parent) {
		text, stat, err := a.conn.Get(parent + "/" + name)
		if err == nil && strings.Contains(string(text), addr) {
			made = stat.Czxid
		}
	}
	return made
}

// deleteAt deletes the node which says that address, and returns what made it.
func (a admin) deleteAt(parent, addr string) (made int64) {
	for _, name := range a.names(parent) {
		text, stat, err := a.conn.Get(parent + "/" + name)
		if err == nil && strings.Contains(string(text), addr) {
			made = stat.Czxid
			a.delete(parent + "/" + name)
		}
	}
	return made
}
