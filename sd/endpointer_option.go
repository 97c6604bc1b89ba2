package sd

import (
	"errors"
	"fmt"
	"time"
)

// EndpointerOption changes an [Endpointer].
type EndpointerOption func(*endpointerOptions) error

type endpointerOptions struct {
	dialTimeout  time.Duration
	drainTimeout time.Duration
	parallel     int
	backoff      Backoff
	onError      func(error)
}

func newEndpointerOptions(opts []EndpointerOption) (endpointerOptions, error) {
	o := endpointerOptions{
		dialTimeout:  10 * time.Second,
		drainTimeout: 30 * time.Second,
		parallel:     128,
	}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(&o))
	}
	return o, errors.Join(faults...)
}

// DialTimeout bounds each dial. The default is 10 s; it must be positive.
func DialTimeout(d time.Duration) EndpointerOption {
	return func(o *endpointerOptions) error {
		o.dialTimeout = d
		if d <= 0 {
			return fmt.Errorf("the dial timeout must be positive, not %v", d)
		}
		return nil
	}
}

// DialParallel bounds how many dials run at once. The default is 128; it must be
// positive.
func DialParallel(n int) EndpointerOption {
	return func(o *endpointerOptions) error {
		o.parallel = n
		if n <= 0 {
			return fmt.Errorf("the number of parallel dials must be positive, not %d", n)
		}
		return nil
	}
}

// DialBackoff sets the delays between dials of one instance, and between watches
// that break off, which must not be negative. The default is that of the zero
// [Backoff].
func DialBackoff(b Backoff) EndpointerOption {
	return func(o *endpointerOptions) error {
		o.backoff = b
		if b.Base < 0 || b.Cap < 0 {
			return fmt.Errorf("the dial backoff must not be negative: %+v", b)
		}
		return nil
	}
}

// DrainTimeout bounds how long the calls in flight on an instance that left keep
// its client open. It must not be negative; the default is 30 s, and zero closes at
// once.
func DrainTimeout(d time.Duration) EndpointerOption {
	return func(o *endpointerOptions) error {
		o.drainTimeout = d
		if d < 0 {
			return fmt.Errorf("the drain timeout must not be negative: %v", d)
		}
		return nil
	}
}

// OnError calls f with each error of the watch, of a dial and of a client's
// Close, for logs. f may be called from several goroutines at once and should
// return soon.
func OnError(f func(error)) EndpointerOption {
	return func(o *endpointerOptions) error {
		o.onError = f
		if f == nil {
			return errors.New("the function for errors is nil")
		}
		return nil
	}
}
