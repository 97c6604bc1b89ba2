package lb

import "time"

// Percentile returns what a Hedge takes for the percentile of those latencies.
func Percentile(share float64, list []time.Duration) time.Duration {
	l := newLatencies(share)
	l.due.Store(latencyLooking)
	for _, d := range list {
		l.observe(d, 0)
	}
	l.look()
	return l.percentile()
}

// Remembered returns the weight, in calls, of one call after so many periods with so
// many other calls in each.
func Remembered(calls, periods int) float64 {
	l := newLatencies(0.95)
	l.due.Store(latencyLooking)
	l.observe(time.Second, 0)
	for range periods {
		for range calls {
			l.observe(time.Millisecond, 0)
		}
		l.look()
	}
	return float64(l.buckets[latencyBucket(time.Second)].Load()) / latencyUnit
}
