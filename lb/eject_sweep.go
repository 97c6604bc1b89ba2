package lb

import (
	"math"
	"time"
)

// gap is by how much the success rate of an outlier is below the mean at least.
const gap = 0.05

// sweep ends an interval: those in whose rates are outliers are ejected, and the
// others' ejections are forgotten one by one.
func (w *ward) sweep(now time.Duration) {
	at := w.sweepAt.Load()
	if int64(now) < at || !w.sweepAt.CompareAndSwap(at, int64(now+w.interval)) {
		return // somebody else's
	}
	w.mu.Lock()
	defer w.unlock()
	w.now = max(w.now, now)
	if at < 0 {
		at = int64(now + 1) // the first interval begins
	}
	p := w.current
	if cap(w.rates) < len(p.states) {
		w.rates = make([]float64, len(p.states))
	}
	w.rates = w.rates[:len(p.states)]
	for i, s := range p.states {
		calls := s.tally.take()
		w.rates[i] = -1
		if !s.out.Load() {
			w.rates[i] = rate(calls, w.volume)
		}
	}
	limit, ejected := threshold(w.rates, w.factor, w.hosts), false
	for i, r := range w.rates {
		s := p.states[i]
		switch {
		case s.out.Load():
		case r >= 0 && r < limit && w.out < w.room():
			w.admit(s, LowSuccessRate)
			ejected = true
		default:
			s.times = max(s.times-w.ends(time.Duration(at), now, time.Duration(s.since.Load())), 0)
		}
	}
	if ejected {
		w.arrange(true)
	}
}

// ends returns how many intervals ended from at until now, and after since: without
// calls nobody notices each.
func (w *ward) ends(at, now, since time.Duration) int32 {
	if since > at {
		at += (since - at + w.interval - 1) / w.interval * w.interval
	}
	if at > now {
		return 0
	}
	return int32(min(1+(now-at)/w.interval, math.MaxInt32))
}

// threshold returns below which rate an instance is an outlier: nobody if fewer
// than hosts have a rate.
func threshold(rates []float64, factor float64, hosts int) float64 {
	n, sum := 0.0, 0.0
	for _, r := range rates {
		if r >= 0 {
			n++
			sum += r
		}
	}
	if n < float64(hosts) {
		return 0
	}
	mean, squares := sum/n, 0.0
	for _, r := range rates {
		if r >= 0 {
			squares += (r - mean) * (r - mean)
		}
	}
	return mean - max(factor*math.Sqrt(squares/n), gap)
}
