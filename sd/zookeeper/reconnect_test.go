package zookeeper_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

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
