package sd

import "context"

// A reader is one consumer's place in a pump. Only that consumer uses it.
type reader struct {
	pump *pump
	wake chan<- struct{} // of capacity 1; several readers of one consumer share it
	seen uint64          // how many events were taken or skipped
	from uint64          // how many there were before the reader came
}

// news is what a reader did not know yet, in the order of the fields.
type news struct {
	over  error // an error that set ended
	empty bool  // the source was empty before set
	set   []*Instance
	fresh bool // set is new
	err   error
}

// read adds a reader. It is woken at once if there is something to take. The
// first is there from the start; to those that come later an error that is over
// is no news.
func (p *pump) read(wake chan<- struct{}) *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &reader{pump: p, wake: wake}
	if p.begun {
		r.from = p.events
	}
	p.begun = true
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
		n.empty = p.emptyAt > r.seen && p.emptyAt < p.setAt
	}
	switch {
	case p.errAt <= r.seen:
	case p.errAt > p.setAt:
		n.err = p.err
	case p.errAt > r.from:
		n.over = p.err
	}
	r.seen = p.events
	return n
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
		if n.over != nil && !out.fail(n.over) || n.fresh && !out.set(n.set) || n.err != nil && !out.fail(n.err) {
			return
		}
	}
}
