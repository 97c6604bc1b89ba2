package sdtest

import (
	"context"
	"sync"
	"time"
)

// eventually polls until ok says so. After Patience it fails the case and shows
// what state says.
func (s *scene) eventually(what string, ok func() bool, state func() string) {
	s.Helper()
	s.poll(5*time.Millisecond, what, ok, state)
}

// poll is eventually where to look is not for nothing.
func (s *scene) poll(interval time.Duration, what string, ok func() bool, state func() string) {
	s.Helper()
	if s.h.InProcess {
		interval = s.h.Patience / 10_000
	}
	for deadline := time.Now().Add(s.h.Patience); !ok(); time.Sleep(interval) {
		if time.Now().After(deadline) {
			s.Fatalf("after %v it is not so that %s: %s", s.h.Patience, what, state())
		}
	}
}

// expiry is after how long an entry is gone that nobody renews.
func (s *scene) expiry() time.Duration { return s.h.Lease + s.h.Quiet }

// rest lets time pass in which nothing is expected.
func (s *scene) rest(d time.Duration) { time.Sleep(d) }

// returns fails the case if f takes longer than its own bound and a little more.
func (s *scene) returns(what string, bound time.Duration, f func()) {
	s.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	late := time.NewTimer(bound + prompt)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		s.Fatalf("%s does not return within %v", what, bound+prompt)
	}
}

// within returns a context of d and calls what takes it; that must come back soon
// after d.
func (s *scene) within(what string, d time.Duration, f func(context.Context) error) (err error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	s.returns(what, d, func() { err = f(ctx) })
	return err
}

// each calls f for 0 to n-1, a few at a time, and waits.
func (s *scene) each(n int, f func(i int)) {
	const workers = 32
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			for i := k; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
