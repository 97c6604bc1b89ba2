package ratelimit

import "sync/atomic"

// Stats counts what became of calls, for metrics. It is safe for concurrent use
// and its zero value is ready. It must not be copied after first use.
type Stats struct {
	admits, refusals, cancels atomic.Uint64
}

// Admitted returns how many calls were let through.
func (s *Stats) Admitted() uint64 { return s.admits.Load() }

// Refused returns how many calls were refused.
func (s *Stats) Refused() uint64 { return s.refusals.Load() }

// Canceled returns how many callers had given up, before they asked or while
// they waited.
func (s *Stats) Canceled() uint64 { return s.cancels.Load() }

func (s *Stats) admitted() {
	if s != nil {
		s.admits.Add(1)
	}
}

func (s *Stats) refused() {
	if s != nil {
		s.refusals.Add(1)
	}
}

func (s *Stats) canceled() {
	if s != nil {
		s.cancels.Add(1)
	}
}
