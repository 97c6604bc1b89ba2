package zookeeper_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// data is what a node says of an instance.
func data(id string, weight int) string {
	return fmt.Sprintf(`{"id":%q,"addr":"%s.example:80","weight":%d}`, id, id, weight)
}

// inBubbles runs a test with a client whose Dialer watches know, and with a bare one.
func inBubbles(t *testing.T, test func(t *testing.T, told bool)) {
	for name, told := range map[string]bool{"told": true, "bare": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, told) })
		})
	}
}

// TestRefusedNode: a server cannot or will not say what is in one node. Who is known
// stands as it was until the server says that it is gone, who is not is left out, and
// both are read as soon as they can be.
func TestRefusedNode(t *testing.T) {
	for name, code := range map[string]int32{"trouble": codeSystem, "no permission": codeNoAuth} {
		t.Run(name, func(t *testing.T) {
			inBubbles(t, func(t *testing.T, told bool) {
				f := newFake(map[string]string{
					web: "", web + "/a": data("a", 1), web + "/b": data("b", 1), web + "/c": data("c", 1),
				})
				f.refused[web+"/b"] = code
				w := watch(t, instancer(t, f.client(t, told), web))
				w.sees("a", "c")
				w.until("the refusal is told", func() bool { return len(w.failures()) == 1 })
				f.do(func() { f.refused = map[string]int32{web + "/a": code, web + "/c": code} })
				w.sees("a", "b", "c")
				w.lowest()
				f.set(web+"/a", data("a", 2))
				f.set(web+"/c", data("c", 2))
				time.Sleep(time.Minute)
				synctest.Wait()
				if errs := w.failures(); len(errs) < 2 || len(errs) > 3 || !strings.Contains(errs[len(errs)-1].Error(), "stands as it was") {
					t.Errorf("in a minute the refusals are told like this: %v", errs)
				}
				f.remove(web + "/c")
				w.sees("a", "b")
				if w.lowest() < 2 {
					t.Error("who is known and cannot be read was missed")
				}
				f.do(func() { clear(f.refused) })
				took := w.has("the change", func(in *sd.Instance) bool { return in.ID == "a" && in.Weight == 2 })
				if took > 30*time.Second {
					t.Errorf("what can be read again was read after %v", took)
				}
			})
		})
	}
}

// TestOldServer: one that knows no recursive watches is asked for one once.
func TestOldServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]string{web: "", web + "/a": data("a", 1)})
		f.old = true
		client := f.client(t, true)
		w := watch(t, instancer(t, client, web))
		w.sees("a")
		f.set(web+"/b", data("b", 1))
		w.sees("a", "b")
		f.breakAll()
		f.set(web+"/c", data("c", 1))
		f.remove(web + "/a")
		f.open()
		w.sees("b", "c")
		f.set(web+"/c", data("c", 2))
		w.has("the change", func(in *sd.Instance) bool { return in.ID == "c" && in.Weight == 2 })
		w2 := watch(t, instancer(t, client, web))
		w2.sees("b", "c")
		if n, _, _ := f.count(time.Time{}, "", opAddWatch); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

// glance is how often a client may look at its connection: by so much they differ
// without any jitter.
const glance = 200 * time.Millisecond

// delays returns how long after they connected clients asked for the list.
func (f *fake) delays(since time.Time) (all []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	begun := make(map[int]time.Time) // lines
	for _, q := range f.asked {
		if q.at.Before(since) {
			continue
		}
		if begun[q.line].IsZero() {
			begun[q.line] = q.at
		}
		if q.op == opChildren {
			all = append(all, q.at.Sub(begun[q.line]))
		}
	}
	return all
}

// TestReconnectIsSpread: when a server returns to many clients at once, they ask at
// different times, and only for what has changed.
func TestReconnectIsSpread(t *testing.T) {
	inBubbles(t, func(t *testing.T, told bool) {
		const clients, nodes = 30, 100
		all := map[string]string{web: ""}
		for i := range nodes {
			all[fmt.Sprintf("%s/n-%03d", web, i)] = data(fmt.Sprintf("i-%03d", i), 1)
		}
		f := newFake(all)
		var watching []*tail
		for range clients {
			watching = append(watching, watch(t, instancer(t, f.client(t, told), web)))
		}
		for _, w := range watching {
			w.until("all are seen", func() bool { return w.len() == nodes })
		}
		f.breakAll()
		time.Sleep(2 * time.Second)
		f.remove(web + "/n-000")
		f.set(web+"/n-001", data("i-001", 2))
		f.open()
		back := time.Now()
		for _, w := range watching {
			w.has("the change", func(in *sd.Instance) bool { return in.Weight == 2 })
			w.until("one has left", func() bool { return w.len() == nodes-1 })
			if errs := w.failures(); len(errs) != 1 {
				t.Errorf("a watch yields %v", errs)
			}
		}
		if took := time.Since(back); took > 10*time.Second {
			t.Errorf("all is seen %v after the return", took)
		}
		time.Sleep(10 * time.Second)
		delays := f.delays(back)
		if len(delays) != clients {
			t.Errorf("%d clients ask for the list %d times", clients, len(delays))
		}
		slices.Sort(delays)
		soonest, latest := delays[0], delays[len(delays)-1]
		if middle := delays[len(delays)/2]; middle-soonest < glance || latest-middle < glance {
			t.Errorf("after they connected clients ask for the list in %v", delays)
		}
		reads, first, last := f.count(back, web+"/", opExists, opGetData)
		t.Logf("%d reads of nodes in %v", reads, last.Sub(first))
		switch most := 2 * clients; {
		case told && reads > most:
			t.Errorf("%d reads of nodes by %d clients; want %d at most", reads, clients, most)
		case !told && last.Sub(first) < 4*time.Second:
			t.Errorf("%d reads of nodes within %v", reads, last.Sub(first))
		}
	})
}

// TestOnePulse: a timer looks at the connection for all registrations of a Registrar,
// and each asks once or twice for its node after an outage, at a time of its own.
func TestOnePulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		f := newFake(map[string]string{web: ""})
		r := registrar(t, f.client(t, true), web)
		var all []*sd.Registration
		for i := range n {
			all = append(all, register(t, r, at(fmt.Sprintf("i-%02d", i))))
		}
		stacks := make([]byte, 1<<22)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if pulses := strings.Count(string(stacks), "(*pulse).look("); pulses != 1 {
			t.Errorf("%d registrations have %d timers", n, pulses)
		}
		f.breakAll()
		time.Sleep(2 * time.Second)
		for _, r := range all {
			if r.State().Registered {
				t.Error("a registration does not know of the outage")
			}
		}
		f.open()
		back := time.Now()
		time.Sleep(10 * time.Second)
		for _, r := range all {
			if !r.State().Registered {
				t.Errorf("a registration is not back: %+v", r.State())
			}
		}
		asked, first, last := f.count(back, web+"/", opExists)
		if asked > 2*n || last.Sub(first) < time.Second/2 || last.Sub(first) > 5*time.Second {
			t.Errorf("%d registrations asked %d times within %v", n, asked, last.Sub(first))
		}
		if made, _, _ := f.count(back, web+"/", opCreate); made > 0 {
			t.Errorf("%d nodes were made again, and all stood", made)
		}
	})
}

// TestBrokenTwice: the connection breaks again before the server knows the watches
// of the one before. What happened in between is seen.
func TestBrokenTwice(t *testing.T) {
	inBubbles(t, func(t *testing.T, told bool) {
		f := newFake(map[string]string{web: "", web + "/a": data("a", 1), web + "/b": data("b", 1)})
		client := f.client(t, told)
		w := watch(t, instancer(t, client, web))
		w.sees("a", "b")
		f.breakAll()
		synctest.Wait()
		f.set(web+"/a", data("a", 2))
		f.remove(web + "/b")
		f.set(web+"/c", data("c", 1))
		f.do(func() { f.shut, f.swallow[opSetWatches] = false, true })
		eventually(t, "there is a connection", func() bool { return client.State() == zk.StateHasSession })
		// Somebody else learns from the server how late it is.
		if _, _, err := client.Exists("/elsewhere"); err != nil {
			t.Fatal(err)
		}
		f.breakAll()
		f.do(func() { f.shut = false; clear(f.swallow) })
		start := time.Now()
		w.sees("a", "c")
		w.has("the change", func(in *sd.Instance) bool { return in.ID == "a" && in.Weight == 2 })
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it is seen after %v", took)
		}
		if errs := w.failures(); len(errs) > 2 || errors.Join(errs...) == nil {
			t.Errorf("the watch yields %v", errs)
		}
	})
}

// TestForeignWatch: whoever shares the client and watches the same path with one of
// the older watches takes nothing from ours, and ours takes nothing from him.
func TestForeignWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]string{web: "", web + "/a": data("a", 1)})
		client := f.client(t, true)
		instances := instancer(t, client, web)
		bare := watch(t, bareInstancer(t, client, web))
		bare.sees("a")
		w := watch(t, instances)
		w.sees("a")
		_, _, sprung, err := client.ExistsW(web)
		if err != nil {
			t.Fatal(err)
		}
		f.set(web+"/b", data("b", 1))
		w.sees("a", "b")
		bare.sees("a", "b")
		f.set(web, "hello")
		<-sprung
		f.breakAll()
		f.open()
		f.set(web+"/c", data("c", 1))
		w.sees("a", "b", "c")
		w.end()
		if _, _, _, err := client.GetW(web); err != nil { // while nobody watches
			t.Fatal(err)
		}
		w = watch(t, instances)
		w.sees("a", "b", "c")
		f.set(web+"/d", data("d", 1))
		w.sees("a", "b", "c", "d")
		bare.sees("a", "b", "c", "d")
	})
}

// TestNewSessionBrokenOff: the word that a session has expired is not lost if the first
// connection of the new one does not last.
func TestNewSessionBrokenOff(t *testing.T) {
	inBubbles(t, func(t *testing.T, told bool) {
		for range 5 { // there is jitter
			f := newFake(map[string]string{web: "", web + "/a": data("a", 1)})
			client := f.client(t, told)
			w := watch(t, instancer(t, client, web))
			w.sees("a")
			f.breakAll()
			f.do(func() { f.expired = f.session })
			session := client.SessionID()
			w.until("the outage is told", func() bool { return len(w.failures()) == 1 })
			time.Sleep(8 * time.Second)
			f.open()
			w.until("there is a new session", func() bool {
				return client.State() == zk.StateHasSession && client.SessionID() != session
			})
			time.Sleep(2 * glance)
			f.breakAll()
			f.remove(web + "/a")
			time.Sleep(5 * time.Second)
			f.open()
			w.sees()
			if !slices.ContainsFunc(w.failures(), func(err error) bool { return errors.Is(err, zk.ErrSessionExpired) }) {
				t.Errorf("it yields %v", w.failures())
			}
			w.end()
			client.Close()
		}
	})
}
