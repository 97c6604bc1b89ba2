package ratelimit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// server is simulated in virtual time. Up to its knee, calls take the service time;
// what exceeds it waits in line or, if it shares, slows all calls down.
type server struct {
	knee   int
	share  float64 // the power by which calls above the knee are slower, 0 for a line
	random *rand.Rand

	mu      sync.Mutex
	service time.Duration // the mean; scattered exponentially if there is a random source
	running int
	line    chan struct{}
}

func newServer(knee int, service time.Duration) *server {
	return &server{knee: knee, service: service, line: make(chan struct{}, knee)}
}

func (s *server) set(service time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.service = service
}

func (s *server) begin() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
	d := float64(s.service)
	if s.random != nil {
		d *= s.random.ExpFloat64()
	}
	if s.share > 0 {
		d *= math.Pow(max(1, float64(s.running)/float64(s.knee)), s.share)
	}
	return time.Duration(d)
}

func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// do does all of the work, also if nobody waits for it any more.
func (s *server) do(ctx context.Context, _ string) (string, error) {
	d := s.begin()
	defer s.end()
	if s.share == 0 {
		s.line <- struct{}{}
		defer func() { <-s.line }()
	}
	time.Sleep(d)
	return "", ctx.Err()
}

// capacity returns how many calls a second the server can do.
func (s *server) capacity() float64 { return float64(s.knee) / s.service.Seconds() }

// load is calls at random times from outside, which give up after a second.
type load struct {
	perSecond float64
	priority  call.Criticality
	seed      uint64

	mu                       sync.Mutex
	offered, served, refused int
}

// run offers the load for a while, and returns when all calls have ended.
func (l *load) run(d time.Duration, e endpoint.Endpoint[string, string]) {
	l.offered, l.served, l.refused = 0, 0, 0
	l.seed++
	random := rand.New(rand.NewPCG(l.seed, 7))
	var calls sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(random.ExpFloat64() / l.perSecond * float64(time.Second)))
		l.offered++
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(call.With(context.Background(), call.Priority(l.priority)), time.Second)
			defer cancel()
			_, err := e(ctx, "")
			l.mu.Lock()
			defer l.mu.Unlock()
			if err == nil {
				l.served++
			} else if !errors.Is(err, context.DeadlineExceeded) {
				l.refused++
			}
		})
	}
	calls.Wait()
}
