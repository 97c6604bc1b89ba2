package sd

import (
	"context"
	"runtime"
	"sync"
)

// A pump ranges over a source on a goroutine of its own and keeps the newest of
// what it said, so that nobody waits for anybody: the source never for a slow
// consumer, a consumer never for a silent source. What the source says while a
// reader looks away is conflated: into the newest set and the newest error, for
// who hears the set alone would not know that its source was in trouble. A panic of the source is kept for the readers
// and thrown on their goroutines.
type pump struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	events  uint64 // how many sets and errors there were
	set     []*Instance
	setAt   uint64 // the number of the event that brought set; 0 while none is known
	emptyAt uint64 // the number of the newest event that brought an empty set
	err     error  // the newest error
	errAt   uint64 // the number of the event that brought err
	crash   *PanicError
	exited  bool // the source called runtime.Goexit
	told    bool // a reader knows of crash or exited
	begun   bool // there was a reader
	readers map[*reader]struct{}
}

// startPump starts the goroutine. It ends with ctx or with stop.
func startPump(ctx context.Context, source Instancer) *pump {
	ctx, cancel := context.WithCancel(ctx)
	p := &pump{cancel: cancel, done: make(chan struct{}), readers: make(map[*reader]struct{})}
	go p.run(ctx, source)
	return p
}

func (p *pump) run(ctx context.Context, source Instancer) {
	defer close(p.done)
	returned := false
	defer func() {
		if v := recover(); v != nil {
			p.put(func() { p.crash = newPanicError(v) })
		} else if !returned {
			p.put(func() { p.exited = true })
		}
	}()
	for set, err := range follow(ctx, source) {
		p.put(func() {
			p.events++
			switch {
			case err != nil:
				p.err, p.errAt = err, p.events
			case len(set) == 0:
				p.emptyAt = p.events
				fallthrough
			default:
				p.set, p.setAt = set, p.events
			}
		})
	}
	returned = true
}

func (p *pump) put(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	for r := range p.readers {
		r.nudge()
	}
}

func (p *pump) broken() bool { return p.crash != nil || p.exited }

// rethrow is called with the lock held.
func (p *pump) rethrow() {
	p.told = p.told || p.broken()
	if p.crash != nil {
		panic(p.crash)
	}
	if p.exited {
		runtime.Goexit()
	}
}

// stop ends pumps, waits until they have, and throws a panic that no reader
// knows of.
func stop(pumps ...*pump) {
	for _, p := range pumps {
		p.cancel()
	}
	for _, p := range pumps {
		<-p.done
	}
	for _, p := range pumps {
		p.confess()
	}
}

func (p *pump) confess() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.told {
		p.rethrow()
	}
}
