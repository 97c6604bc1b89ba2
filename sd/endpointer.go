package sd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by what waits on an Endpointer that is closed.
var ErrClosed = errors.New("sd: the endpointer is closed")

// Endpointer keeps exactly one client C per live instance, for all methods and
// all balancers. It is safe for concurrent use and is made by [NewEndpointer].
//
// ID and Addr together are an instance's identity. A new weight, zone or meta
// changes the node's instance and keeps its client. When an instance leaves, the
// set without it is published first; then its node refuses calls; then the calls
// in flight end, or the drain timeout does; then the client is closed, if it has
// a Close method with no result or an error. So no call runs on a closed client
// unless it outlasts the drain. While the registry knows instances and none of
// them has a client yet, as when a deployment replaces all at once, those that
// left go on serving.
type Endpointer[C any] struct {
	dial    func(context.Context, *Instance) (C, error)
	options endpointerOptions
	set     atomic.Pointer[Set[C]]
	tally   tally
	end     context.CancelFunc
	running sync.WaitGroup // the watch, the manager, dials and drains

	wake    chan struct{} // holds one token when inbox has something
	mu      sync.Mutex
	inbox   inbox[C]
	status  EndpointerStatus
	failed  time.Time     // when the watch did first, if it knew no set yet
	waiting chan struct{} // closed and replaced at each publication, and each error of the watch
	closing error         // joined errors of clients' Close
	closed  bool
}

// inbox is what the watch, the dials and the timers leave for the manager.
type inbox[C any] struct {
	found   []*Instance // the newest set, if fresh
	fresh   bool
	dialed  []dialed[C]
	retries []*member[C]
}

// EndpointerStatus is what an [Endpointer] knows of itself at one moment.
type EndpointerStatus struct {
	Instances int       // in the newest set of the registry
	Live      int       // how many serve: of these, those with a client; if none has one, those that left
	Updated   time.Time // when the newest set came; zero before the first
	WatchErr  error     // the watch's error since then, nil if it is well
	DialErr   error     // the last failed dial's error, nil once all are live

	WatchFailures, DialFailures uint64 // how many there were so far

	pending int // instances whose first dial has not ended
}

// NewEndpointer watches the instancer and dials a client for each instance. dial
// gets a context that ends with the instance's client or with Close, and may keep
// it for the client's background work; it is cut off when the dial timeout is
// over. Dials run side by side and outside any lock; failed ones, and those that
// panic, are tried again with jittered backoff. It panics if instancer or dial is
// nil or an option is out of range.
func NewEndpointer[C any](
	instancer Instancer,
	dial func(ctx context.Context, in *Instance) (C, error),
	opts ...EndpointerOption,
) *Endpointer[C] {
	options, err := newEndpointerOptions(opts)
	if absent(instancer) {
		err = errors.Join(errors.New("the instancer is nil"), err)
	}
	if dial == nil {
		err = errors.Join(errors.New("dial is nil"), err)
	}
	if err != nil {
		panic(fmt.Sprintf("sd: NewEndpointer: %v", err))
	}
	ctx, end := context.WithCancel(context.Background())
	e := &Endpointer[C]{
		dial: dial, options: options, end: end,
		wake: make(chan struct{}, 1), waiting: make(chan struct{}),
	}
	e.set.Store(&Set[C]{})
	e.running.Go(func() { e.watch(ctx, instancer) })
	e.running.Go(func() { (&manager[C]{e: e}).run(ctx) })
	return e
}

// Set returns the live nodes now. It is one atomic load.
func (e *Endpointer[C]) Set() *Set[C] { return e.set.Load() }

// Entered returns how many calls were counted on all nodes so far, those that have left
// included, for metrics. It never falls: a call that is taken back after it was counted
// stands for the next one of its node. It looks at each node; between two looks no node
// may count more than 2,147,483,647.
func (e *Endpointer[C]) Entered() uint64 { return e.tally.sum(e.Set().Nodes()) }

// settleTime is how long Ready waits for the other instances after the first.
const settleTime = 100 * time.Millisecond

// Ready waits until at least one instance has a client, and gives the others a
// tenth of a second to get theirs. If ctx ends before there is a client, the error
// wraps the context's and says what went wrong so far; after Close it is
// [ErrClosed].
func (e *Endpointer[C]) Ready(ctx context.Context) error {
	var settled <-chan time.Time
	for {
		e.mu.Lock()
		news, closed, status := e.waiting, e.closed, e.status
		e.mu.Unlock()
		switch {
		case closed:
			return ErrClosed
		case status.Live > 0 && status.pending == 0:
			return nil
		case status.Live > 0 && settled == nil:
			timer := time.NewTimer(settleTime)
			defer timer.Stop()
			settled = timer.C
		}
		select {
		case <-news:
		case <-settled:
			if e.Status().Live > 0 {
				return nil
			}
			settled = nil // they have gone again
		case <-ctx.Done():
			if status.Live > 0 {
				return nil
			}
			err := errors.Join(ctx.Err(), status.WatchErr, status.DialErr)
			return fmt.Errorf("sd: no client is ready for any of %d instances: %w", status.Instances, err)
		}
	}
}

// hopeTime is for how long after its first error a watch may still come to know a set
// soon: an error may be about a single entry, registries are asked again within two
// seconds, and within as much [Fallback] turns to its secondary.
const hopeTime = 3 * time.Second

// FirstSet waits until it is known whether a call can be made: an instance has a
// client; or the registry's first set is there, be it empty, and each of its instances
// was dialed once; or there is none three seconds after the watch's first error. The
// error is that of ctx if it ends before, and [ErrClosed] after Close. Unlike
// [Endpointer.Ready] it does not wait for an instance of which nothing is known yet.
func (e *Endpointer[C]) FirstSet(ctx context.Context) error {
	var hopeless <-chan time.Time
	for {
		e.mu.Lock()
		news, closed, status, failed := e.waiting, e.closed, e.status, e.failed
		e.mu.Unlock()
		known := !status.Updated.IsZero()
		switch {
		case closed:
			return ErrClosed
		case status.Live > 0, known && status.pending == 0:
			return nil
		case known:
			hopeless = nil
		case !failed.IsZero() && hopeless == nil:
			timer := time.NewTimer(time.Until(failed.Add(hopeTime)))
			defer timer.Stop()
			hopeless = timer.C
		}
		select {
		case <-news:
		case <-hopeless:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Status returns what the Endpointer knows of itself, for health checks and
// metrics.
func (e *Endpointer[C]) Status() EndpointerStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
}

// Close ends the watch, publishes the empty set, drains and closes every client
// and waits for all of it. It returns the joined errors of the clients' Close
// methods, again at each further call.
func (e *Endpointer[C]) Close() error {
	e.end()
	e.running.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closing
}

// watch leaves the newest set for the manager until ctx is done.
func (e *Endpointer[C]) watch(ctx context.Context, instancer Instancer) {
	for failures := 1; ctx.Err() == nil; failures++ {
		start := time.Now()
		err := safely(func() error { return e.follow(ctx, instancer) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > e.options.backoff.bound(64) {
			failures = 1
		}
		e.fail(err, true)
		_ = e.options.backoff.Wait(ctx, failures)
	}
}

// follow ranges over one watch. A watch that ends before ctx is done is broken.
func (e *Endpointer[C]) follow(ctx context.Context, instancer Instancer) error {
	for set, err := range instancer.Watch(ctx) {
		if err != nil {
			e.fail(err, true)
			continue
		}
		e.leave(func(in *inbox[C]) {
			in.found, in.fresh = set, true
			// Here and not when the set is published: an error may come before.
			e.status.WatchErr = nil
		})
	}
	return ErrWatchEnded
}

// leave puts something into the inbox, with the lock held, and wakes the manager.
func (e *Endpointer[C]) leave(put func(*inbox[C])) {
	e.mu.Lock()
	put(&e.inbox)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// tell wakes those who wait for news. The caller has the lock.
func (e *Endpointer[C]) tell() {
	close(e.waiting)
	e.waiting = make(chan struct{})
}

// fail notes an error of the watch or of a dial.
func (e *Endpointer[C]) fail(err error, watch bool) {
	e.mu.Lock()
	if watch {
		e.status.WatchErr = err
		e.status.WatchFailures++
		if e.failed.IsZero() {
			e.failed = time.Now()
		}
		e.tell()
	} else {
		e.status.DialErr = err
		e.status.DialFailures++
	}
	e.mu.Unlock()
	if e.options.onError != nil {
		e.options.onError(err)
	}
}
