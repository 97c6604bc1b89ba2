package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// A feed is a source that the test speaks for. Every watch begins with what was
// said last.
type feed struct {
	mu    sync.Mutex
	news  chan struct{}
	set   []*sd.Instance
	known bool
	err   error
	act   func() // what each watch does next
	said  int
	ended int // watches that were begun at or before this count of words end
	live  int
	most  int
	begun int
}

func newFeed() *feed { return &feed{news: make(chan struct{})} }

func (f *feed) change(c func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c()
	f.said++
	close(f.news)
	f.news = make(chan struct{})
}

// say makes the set of instances written "id", "id@host" or "id*weight".
func (f *feed) say(names ...string) {
	f.change(func() { f.set, f.known, f.err = sd.NextSet(f.set, parse(names...)), true, nil })
}

func (f *feed) fail(text string) { f.change(func() { f.err = errors.New(text) }) }

// do makes the present watches, and no later one, call act.
func (f *feed) do(act func()) { f.change(func() { f.act, f.ended = act, f.said }) }

func (f *feed) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		f.mu.Lock()
		born, seen := f.said, -1
		if !f.known && f.err == nil {
			seen = f.said
		}
		f.begun++
		f.live++
		f.most = max(f.most, f.live)
		// A new watch makes its own pointers, as that of an adapter does.
		var own []*sd.Instance
		defer func() {
			f.mu.Lock()
			f.live--
			f.mu.Unlock()
		}()
		for {
			set, known, err, act, news, fresh := f.set, f.known, f.err, f.act, f.news, f.said > seen
			ending := act != nil && born <= f.ended
			seen = f.said
			f.mu.Unlock()
			switch {
			case ctx.Err() != nil:
				return
			case ending:
				act()
				return
			case fresh && err != nil:
				if !yield(nil, err) {
					return
				}
			case fresh && known:
				own = sd.NextSet(own, copies(set))
				if !yield(own, nil) {
					return
				}
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
			f.mu.Lock()
		}
	}
}

func copies(set []*sd.Instance) []sd.Instance {
	var all []sd.Instance
	for _, in := range set {
		all = append(all, *in)
	}
	return all
}

func parse(names ...string) []sd.Instance {
	var found []sd.Instance
	for _, name := range names {
		name, weight, _ := strings.Cut(name, "*")
		id, host, ok := strings.Cut(name, "@")
		if !ok {
			host = id
		}
		w, _ := strconv.Atoi(weight)
		found = append(found, sd.Instance{ID: id, Addr: host + ":80", Weight: w})
	}
	return found
}

func written(set []*sd.Instance) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, in := range set {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(in.ID)
		if host := strings.TrimSuffix(in.Addr, ":80"); host != in.ID {
			b.WriteString("@" + host)
		}
		if in.Weight > 0 {
			fmt.Fprintf(&b, "*%d", in.Weight)
		}
	}
	return b.String() + "]"
}
