package zookeeper_test

import (
	"errors"
	"fmt"
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
