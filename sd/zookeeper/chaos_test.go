package zookeeper_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
)

// TestChaos: whatever happens to the connection while instances come, change and go,
// in the end the set is the truth, for watches that share a client too. The server is
// a fake, which breaks connections where that hurts.
func TestChaos(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubbles(t, func(t *testing.T, told bool) {
				r := rand.New(rand.NewPCG(uint64(seed), 0))
				f := newFake(map[string]string{web: ""})
				f.old = seed%10 == 9
				client := f.client(t, told)
				instances := instancer(t, client, web)
				others := instances
				if seed%2 == 1 {
					others = bareInstancer(t, client, web)
				}
				w, other := watch(t, instances), watch(t, others)
				for range 60 {
					chaos(f, r, client)
					if r.IntN(10) == 0 {
						synctest.Wait() // see chaos
						other.end()
						other = watch(t, others)
					}
					time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
				}
				f.do(func() { clear(f.swallow) })
				f.breakAll() // for a server that has swallowed a request swallows what follows
				f.open()
				want := f.truth()
				for _, w := range []*tail{w, other} {
					if took := w.sees(want...); took > 10*time.Second {
						t.Errorf("the truth is seen after %v", took)
					}
					w.until("the weights are true", func() bool { return w.weights() == f.weights() })
				}
			})
		})
	}
}

// chaos does one thing.
func chaos(f *fake, r *rand.Rand, client *zk.Conn) {
	name := string(rune('a' + r.IntN(8)))
	node := web + "/" + name
	// What is asked while there is no connection races in the client with what it does
	// when it has one.
	synctest.Wait()
	up := client.State() == zk.StateHasSession
	switch r.IntN(16) {
	default:
		f.set(node, data(name, 1+r.IntN(1000)))
	case 0, 1, 2, 3:
		f.remove(node)
	case 4, 5:
		f.breakAll()
	case 6, 7, 8:
		f.open()
	case 9: // the watches are not set again before it breaks
		f.do(func() { f.swallow[opSetWatches] = !f.swallow[opSetWatches] })
		f.breakAll()
		f.open()
	case 10: // and somebody learns meanwhile how late it is
		if up {
			go client.Exists("/elsewhere")
		}
	case 11:
		if up {
			go client.ExistsW(web)
		}
	case 12:
		f.do(func() { f.expired = f.session })
		f.breakAll()
		f.open()
	}
}

// truth returns the IDs of who is there.
func (f *fake) truth() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids = f.children(web)
	slices.Sort(ids)
	return ids
}

func (f *fake) weights() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, name := range f.children(web) {
		all = append(all, string(f.nodes[web+"/"+name].data))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (w *tail) weights() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, in := range w.set {
		all = append(all, data(in.ID, in.Weight))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
