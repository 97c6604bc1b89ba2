package sd

import (
	"context"
	"runtime"
	"sync"
)

// A pump ranges over a source on a goroutine of its own and keeps the newest of
// what it said, so that nobody waits for anybody: the source never for a slow
// consumer, a consumer never for a silent source. What the source says while a
// reader looks away is conflated. A panic of the source is kept for the readers
// and thrown on their goroutines.
type pump struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	events  uint64 // how many sets and errors there were
	set     []*Instance
	setAt   uint64 // the number of the event that brought set; 0 while none is known
	err     error  // the newest event if that was an error
	crash   *PanicError
	exited  bool // the source called runtime.Goexit
	told    bool // a reader knows of crash or exited
	readers map[*reader]struct{}
}

// A reader is one consumer's place in a pump. Only that consumer uses it.
type reader struct {
	pump *pump
	wake chan<- struct{} // of capacity 1; several readers of one consumer share it
	seen uint64          // how many events were taken or skipped
}

// news is what a reader did not know yet. If there is a set and an error, the
// error is the later one.
type news struct {
	set   []*Instance
	fresh bool // set is new
	err   error
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
			p.err = err
			if err == nil {
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

// read adds a reader. It is woken at once if there is something to take.
func (p *pump) read(wake chan<- struct{}) *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &reader{pump: p, wake: wake}
	p.readers[r] = struct{}{}
	if p.events > 0 || p.broken() {
		r.nudge()
	}
	return r
}

// leave removes a reader and returns how many are left.
func (r *reader) leave() int {
	r.pump.mu.Lock()
	defer r.pump.mu.Unlock()
	delete(r.pump.readers, r)
	return len(r.pump.readers)
}

func (r *reader) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take returns what came since it was called last. It panics, or ends the
// goroutine, if the source did.
func (r *reader) take() news {
	p := r.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rethrow()
	var n news
	if p.setAt > r.seen {
		n.set, n.fresh = p.set, true
	}
	if p.events > r.seen {
		n.err = p.err
	}
	r.seen = p.events
	return n
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

// relay yields what a reader takes, until ctx is done or the consumer breaks off.
func relay(ctx context.Context, r *reader, wake <-chan struct{}, yield func([]*Instance, error) bool) {
	out := outlet{yield: yield}
	for {
		select {
		case <-wake:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return
		}
		n := r.take()
		if n.fresh && !out.set(n.set) || n.err != nil && !out.fail(n.err) {
			return
		}
	}
}
