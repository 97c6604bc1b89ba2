package zookeeper

import (
	"sync"

	"github.com/go-zookeeper/zk"
)

// A bell rings when a trap springs, and knows which, or when a tree tells of a child.
// It is safe for concurrent use.
type bell struct {
	rung   chan struct{} // of capacity 1
	closed chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	names map[string]struct{} // of the nodes whose traps have sprung
	told  map[string]bool     // by a tree; whether the node was there then
	born  map[string]struct{} // of those that are told of, who was not there at the last take
}

func newBell() *bell {
	return &bell{
		rung: make(chan struct{}, 1), closed: make(chan struct{}),
		names: make(map[string]struct{}), told: make(map[string]bool), born: make(map[string]struct{}),
	}
}

// mind rings under a name when the trap springs.
func (b *bell) mind(name string, sprung <-chan zk.Event) {
	b.wg.Go(func() {
		select {
		case <-sprung:
			b.ring(name)
		case <-b.closed:
		}
	})
}

func (b *bell) ring(name string) {
	b.mu.Lock()
	b.names[name] = struct{}{}
	b.mu.Unlock()
	b.strike()
}

// tell rings for what a tree says of a child. One that came and went since take was
// called leaves nothing behind: names do not recur, and the consumer of a watch may
// sleep for long.
func (b *bell) tell(name string, kind int32) {
	b.mu.Lock()
	_, told := b.told[name]
	_, born := b.born[name]
	switch {
	case kind == deleted && born:
		delete(b.told, name)
		delete(b.born, name)
	case kind == created && !told:
		b.born[name] = struct{}{}
		fallthrough
	default:
		b.told[name] = kind != deleted
	}
	b.mu.Unlock()
	b.strike()
}

func (b *bell) strike() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// take returns the names under which it rang since it was asked last.
func (b *bell) take() (names map[string]struct{}, told map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) > 0 {
		names, b.names = b.names, make(map[string]struct{})
	}
	if len(b.told) > 0 {
		told, b.told = b.told, make(map[string]bool)
		clear(b.born)
	}
	return names, told
}

// silence ends the bell and waits for its goroutines.
func (b *bell) silence() {
	close(b.closed)
	b.wg.Wait()
}
