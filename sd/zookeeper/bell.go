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
}

func newBell() *bell {
	return &bell{
		rung: make(chan struct{}, 1), closed: make(chan struct{}),
		names: make(map[string]struct{}), told: make(map[string]bool),
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

// tell rings for what a tree says of a child.
func (b *bell) tell(name string, there bool) {
	b.mu.Lock()
	b.told[name] = there
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
	}
	return names, told
}

// silence ends the bell and waits for its goroutines.
func (b *bell) silence() {
	close(b.closed)
	b.wg.Wait()
}
