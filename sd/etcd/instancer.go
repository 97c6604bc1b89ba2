package etcd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Instancer is an [sd.Instancer] of the entries under one prefix in etcd. It is safe
// for concurrent use and made by [NewInstancer]: the zero value is of no use. Each
// watch holds a stream and a set of its own; put sd.Share round it where there are
// several.
type Instancer struct {
	registry *registry
	place    place
	options  watchOptions
}

// NewInstancer returns an Instancer of the entries under prefix, such as
// "/services/stringsvc": the keys with that prefix, a slash, and one element more. A
// slash at its end changes nothing. It does not talk to etcd yet. The client stays
// the caller's, and is used with its credentials and endpoints.
//
// A malformed prefix is an error. NewInstancer panics if client is nil, has no
// connection or is wrapped by package namespace or the like, and if an option is nil
// or out of range.
func NewInstancer(client *clientv3.Client, prefix string, opts ...WatchOption) (*Instancer, error) {
	var m misuse
	i := &Instancer{registry: newRegistry(&m, client), options: newWatchOptions(&m, opts)}
	m.refuse("NewInstancer")
	var err error
	if i.place, err = newPlace(prefix); err != nil {
		return nil, err
	}
	return i, nil
}

// Watch reads the set once and then follows its changes, of which each costs its own
// bytes and not those of the set. It reads the set anew, after a jittered delay, when
// the stream breaks or the revision it wants was compacted.
//
// That is reported as an error first, and the last set stands: what gRPC says of the
// connection, [ErrSilent], [ErrClosed], or one of package rpctypes, such as
// ErrPermissionDenied, ErrNoLeader and ErrCompacted. Entries that are of no use,
// without a port say, are left out and reported once by an error.
func (i *Instancer) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var following sync.WaitGroup
		defer following.Wait()
		defer cancel()
		n := newNews()
		following.Go(func() { i.supervise(ctx, n) })
		w := watch{yield: yield}
		for ctx.Err() == nil {
			select {
			case <-n.wake:
				if !w.tell(n.take()) {
					return
				}
			case <-ctx.Done():
			}
		}
	}
}

// supervise follows the place until ctx is done.
func (i *Instancer) supervise(ctx context.Context, n *news) {
	line := i.registry.main
	defer func() { i.registry.hangUp(line) }()
	for failures := 0; ctx.Err() == nil; {
		start := time.Now()
		f := follower{Instancer: i, line: line, news: n}
		err := i.registry.told(i.follow(ctx, &f))
		if ctx.Err() != nil {
			return
		}
		line = i.registry.after(err, line)
		if errors.Is(err, errHome) {
			continue
		}
		if time.Since(start) > i.options.backoff.Cap && f.listed {
			failures = 0
		}
		failures++
		n.fail(fmt.Errorf("etcd: watch %s: %w", i.place, err))
		_ = i.options.backoff.Wait(ctx, failures)
	}
}

// errHome is that a spare line is of no use any more. It is told to nobody.
var errHome = errors.New("etcd: the main line answers again")

// follow runs a follower, on a spare line until the main one answers again.
func (i *Instancer) follow(ctx context.Context, f *follower) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel(nil)
	if f.line.spare {
		asking.Go(func() {
			for pause(ctx, i.options.silence-rand.N(i.options.silence/4)) == nil {
				if i.registry.answers(ctx, string(i.place), time.Second) {
					cancel(errHome)
				}
			}
		})
	}
	return f.run(ctx)
}

// A watch yields sets by the law of sd.Instancer.
type watch struct {
	yield  func([]*sd.Instance, error) bool
	set    []*sd.Instance
	known  bool
	failed bool
}

// tell yields what is new, in the order in which a consumer can use it: the error of
// malformed entries before the set that lacks them, and an outage after the set that
// stands through it.
func (w *watch) tell(d delta) bool {
	if d.malformed != nil && !w.fail(d.malformed) {
		return false
	}
	if d.set != nil && !w.show(d.set(w.set)) {
		return false
	}
	return d.fault == nil || w.fail(d.fault)
}

func (w *watch) fail(err error) bool {
	w.failed = true
	return w.yield(nil, err)
}

func (w *watch) show(set []*sd.Instance) bool {
	if w.known && !w.failed && slices.Equal(set, w.set) {
		return true
	}
	w.set, w.known, w.failed = set, true, false
	return w.yield(set, nil)
}
