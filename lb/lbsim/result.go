package lbsim

import "time"

// Result is what a run measured, or several runs of one scenario and strategy.
type Result struct {
	// Calls is how many calls arrived. It is the sum of the five that follow.
	Calls uint64
	// Served is how many succeeded in time.
	Served uint64
	// Failed, Rejected and TimedOut are how many did not, by their last attempt.
	Failed, Rejected, TimedOut uint64
	// Unbalanced is how many met an empty set.
	Unbalanced uint64
	// Retries is how many attempts there were after the first ones.
	Retries uint64
	// Latency is that of the calls as their callers see it. One that did not
	// succeed counts as long as the timeout, however fast it failed: what comes
	// of an error is not sooner there.
	Latency Histogram
	// Sent is how many attempts each server got, in the order of the scenario, with
	// what was not measured.
	Sent []uint64
	// Measured is the virtual time that was measured.
	Measured time.Duration
}

// Success returns the share of the calls that succeeded in time, or 0 if there was
// none.
func (r *Result) Success() float64 { return float64(r.Served) / float64(max(r.Calls, 1)) }

// Goodput returns how many calls a second succeeded in time.
func (r *Result) Goodput() float64 {
	return float64(r.Served) / max(r.Measured.Seconds(), 1e-9)
}

// Share returns the share of the attempts that server i of the scenario got.
func (r *Result) Share(i int) float64 {
	var all uint64
	for _, n := range r.Sent {
		all += n
	}
	return float64(r.Sent[i]) / float64(max(all, 1))
}

// Merge adds another run of the same scenario.
func (r *Result) Merge(o *Result) {
	r.Calls += o.Calls
	r.Served += o.Served
	r.Failed += o.Failed
	r.Rejected += o.Rejected
	r.TimedOut += o.TimedOut
	r.Unbalanced += o.Unbalanced
	r.Retries += o.Retries
	r.Latency.Merge(&o.Latency)
	if r.Sent == nil {
		r.Sent = make([]uint64, len(o.Sent))
	}
	for i, n := range o.Sent {
		r.Sent[i] += n
	}
	r.Measured += o.Measured
}
