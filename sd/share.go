package sd

import (
	"context"
	"iter"
	"sync"
)

// Share returns an Instancer that watches source once for any number of
// consumers. The watch begins with the first of them and ends with the last.
//
// Who joins later gets the last known set at once, and then the error if the
// source is in error: an outage does not hide the set. The watch of the source
// belongs to no consumer, so the values of their contexts do not reach it. A
// panic of the source reaches every consumer, and whoever joins after it starts
// anew. Share panics if source is nil.
func Share(source Instancer) Instancer {
	var f faults
	f.absent(source, "source")
	f.refuse("Share")
	return &shared{source: source}
}

type shared struct {
	source Instancer

	mu   sync.Mutex
	pump *pump // the newest, nil before the first
	over bool  // pump is about to end and takes no more readers
}

func (s *shared) Watch(ctx context.Context) iter.Seq2[[]*Instance, error] {
	return func(yield func([]*Instance, error) bool) {
		if ctx.Err() != nil {
			return
		}
		wake := make(chan struct{}, 1)
		r := s.join(wake)
		defer s.leave(r)
		relay(ctx, r, wake, yield)
	}
}

func (s *shared) join(wake chan<- struct{}) *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pump == nil || s.over || s.pump.dead() {
		s.pump = startPump(context.Background(), after(s.pump, s.source))
		s.over = false
	}
	return s.pump.read(wake)
}

// leave ends the watch of the source with its last reader, who waits for the end.
func (s *shared) leave(r *reader) {
	s.mu.Lock()
	last := r.leave() == 0
	if last && s.pump == r.pump {
		s.over = true
	}
	s.mu.Unlock()
	if last {
		stop(r.pump)
	}
}

// after returns source with its first watch put off until prev has ended, so that
// there are never two of them.
func after(prev *pump, source Instancer) Instancer {
	if prev == nil {
		return source
	}
	ended := prev.done
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			select {
			case <-ended:
				source.Watch(ctx)(yield)
			case <-ctx.Done():
			}
		}
	})
}

func (p *pump) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken()
}
