package dns

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Instancer is an [sd.Instancer] of the instances under one name in DNS. It is
// safe for concurrent use; each watch looks up for itself, so put sd.Share round
// it where there are several. Use [NewInstancer] or [NewHostInstancer]: the zero
// value is of no use.
type Instancer struct {
	name     string
	interval time.Duration
	timeout  time.Duration
	resolver Resolver
	all      bool   // every priority
	network  string // of addresses
	find     func(context.Context) ([]sd.Instance, error)
}

// Watch looks the name up again and again. It starts no goroutine.
func (i *Instancer) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		w := watch{yield: yield}
		failures := 0
		for ctx.Err() == nil {
			found, err := i.lookUp(ctx)
			if over(ctx) {
				return
			}
			failures++
			if err == nil {
				failures = 0
			}
			// The time that a slow consumer takes counts as waiting.
			next := time.NewTimer(i.wait(failures))
			if !w.tell(found, err) {
				next.Stop()
				return
			}
			select {
			case <-next.C:
			case <-ctx.Done():
				next.Stop()
			}
		}
	}
}

// over reports whether ctx is done. A socket with the context's deadline fails a
// moment before the context does, and that is no failure of the server.
func over(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// wait returns how long to wait after so many failures in a row.
func (i *Instancer) wait(failures int) time.Duration {
	if failures > 0 {
		return sd.Backoff{Base: time.Second, Cap: i.interval}.Delay(failures)
	}
	fifth := i.interval / 5
	wait := i.interval - fifth
	return wait + min(rand.N(2*fifth+1), math.MaxInt64-wait)
}

// lookUp returns what the server said: no records is an answer, a failure is not.
func (i *Instancer) lookUp(ctx context.Context) ([]sd.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	found, err := i.find(ctx)
	if none(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dns: %w", err)
	}
	return found, nil
}

// none tells of an error that it says that there are no such records.
func none(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// A watch yields sets by the law of sd.Instancer.
type watch struct {
	yield  func([]*sd.Instance, error) bool
	set    []*sd.Instance
	known  bool
	failed bool
}

func (w *watch) tell(found []sd.Instance, err error) bool {
	if err != nil {
		w.failed = true
		return w.yield(nil, err)
	}
	set := sd.NextSet(w.set, found)
	if w.known && !w.failed && slices.Equal(set, w.set) {
		return true
	}
	w.set, w.known, w.failed = set, true, false
	return w.yield(set, nil)
}
