package circuitbreaker

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sony/gobreaker/v2"
)

// CircuitOption changes a [Circuit].
type CircuitOption func(*settings) error

type settings struct {
	consecutive int
	ratio       float64 // 0 means off
	minimum     int
	window      time.Duration
	openFor     time.Duration
	probes      int
	onChange    func(Change)
}

// buckets is into how many parts the window is cut to let it slide.
const buckets = 10

// TripAfter opens the circuit after n failures in a row within the window. The
// default is 5; at least 1.
func TripAfter(n int) CircuitOption {
	return func(s *settings) error {
		s.consecutive = n
		return when(n < 1, fmt.Sprintf("the failures in a row must be positive, not %d", n))
	}
}

// TripRatio also opens the circuit when that share of the calls within the window
// failed, of at least minimum calls. The default is not to look at the share.
// ratio is above 0 and at most 1, and minimum at least 1.
func TripRatio(ratio float64, minimum int) CircuitOption {
	return func(s *settings) error {
		s.ratio, s.minimum = ratio, minimum
		return errors.Join(
			when(!(ratio > 0 && ratio <= 1), fmt.Sprintf("the failure ratio must be above 0 and at most 1, not %v", ratio)),
			when(minimum < 1, fmt.Sprintf("the minimum of calls must be positive, not %d", minimum)))
	}
}

// Window sets how far back calls count while the circuit is closed. It slides in
// tenths. A call counts from when it began or, if it took longer than half of the
// window, from when it ended. The default is 10 s; it must be from 10 ms to a year.
func Window(d time.Duration) CircuitOption {
	return func(s *settings) error {
		s.window = d
		return when(d < 10*time.Millisecond || d > year, fmt.Sprintf("the window must be from 10ms to a year, not %v", d))
	}
}

const year = 365 * 24 * time.Hour

// OpenFor sets how long the circuit stays open. The default is 5 s; it must be
// positive.
func OpenFor(d time.Duration) CircuitOption {
	return func(s *settings) error {
		s.openFor = d
		return when(d <= 0, fmt.Sprintf("the open time must be positive, not %v", d))
	}
}

// Probes sets how many calls are made while half-open, all of which must succeed
// to close the circuit. The default is 1; at least 1.
func Probes(n int) CircuitOption {
	return func(s *settings) error {
		s.probes = n
		return when(n < 1 || n > math.MaxInt32, fmt.Sprintf("the probes must be positive, not %d", n))
	}
}

// OnChange calls f after each change of state, in order, never two at once. It
// runs on the goroutine of a call, or of [Circuit.Force], and holds no lock, so it may
// use the circuit, but it should return soon. Who asks for the state runs nothing,
// since he may hold locks, as a collection of metrics does: if it is half-open by that
// question, the next call tells. The default is no call.
func OnChange(f func(Change)) CircuitOption {
	return func(s *settings) error {
		s.onChange = f
		return when(f == nil, "the function for changes is nil")
	}
}

func newSettings(opts []CircuitOption) *settings {
	s := &settings{consecutive: 5, window: 10 * time.Second, openFor: 5 * time.Second, probes: 1}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(s))
	}
	check("New", faults...)
	return s
}

// trips counts only the calls that have ended: gobreaker's Requests include those
// in flight and those excluded.
func (s *settings) trips(c gobreaker.Counts) bool {
	if int(c.ConsecutiveFailures) >= s.consecutive {
		return true
	}
	ended := int(c.TotalSuccesses) + int(c.TotalFailures)
	return s.ratio > 0 && ended >= s.minimum && float64(c.TotalFailures) >= s.ratio*float64(ended)
}
