package circuitbreaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// parts is into how many parts a sliding count is cut. What is counted is
// forgotten part by part, so the window is up to a thirtieth shorter than asked.
const parts = 30

// sliding counts requests and how many of them were accepted, within a window of
// time. It takes no lock to count, and one addition to forget a part.
type sliding struct {
	period time.Duration
	start  time.Time

	_       [64]byte // what is above is read by all, what is below is written by all
	total   atomic.Uint64
	current atomic.Int64 // which part is counted in
	turning sync.Mutex   // of whoever turns to the next part
	parts   [parts]atomic.Uint64
}

// What is added to the total: requests are its upper half, accepts its lower one,
// so that both are read and written at once.
const (
	rejected uint64 = 1 << 32
	accepted uint64 = 1<<32 | 1
)

func (s *sliding) begin(window time.Duration) {
	s.period, s.start = window/parts, time.Now()
}

// add counts in the part that the last turn led to: whoever calls it has just asked
// for the counts. The total is first: what a turn takes from a part is in the total by
// then.
func (s *sliding) add(outcome uint64) {
	s.total.Add(outcome)
	s.parts[s.current.Load()%parts].Add(outcome)
}

// counts returns what was counted within the window that ends now.
func (s *sliding) counts() (requests, accepts uint64) {
	if now := int64(time.Since(s.start) / s.period); now != s.current.Load() && s.turning.TryLock() {
		s.turn(now)
		s.turning.Unlock()
	}
	total := s.total.Load()
	return total >> 32, total & (1<<32 - 1)
}

// turn forgets the parts that are over. Until it has led to the next part, others count
// in the one that was current, which is forgotten too after a pause: so it begins with
// the next. Whatever becomes of that, the total is the sum of the parts.
func (s *sliding) turn(now int64) {
	last := s.current.Load()
	if now <= last {
		return
	}
	s.forget(now)
	s.current.Store(now)
	for part := max(last, now-parts) + 1; part < now; part++ {
		s.forget(part)
	}
}

func (s *sliding) forget(part int64) { s.total.Add(-s.parts[part%parts].Swap(0)) }
