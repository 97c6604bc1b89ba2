package consul

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// Instancer is an [sd.Instancer] of one service in Consul. It is safe for
// concurrent use and made by [NewInstancer]: the zero value is of no use. Each
// watch holds a query, and so a connection, of its own; put sd.Share round it where
// there are several.
type Instancer struct {
	health  *api.Health
	service string
	options watchOptions
}

// NewInstancer returns an Instancer of the service of that name. It does not talk to
// Consul yet. The client stays the caller's: namespace, partition, token and TLS are
// those of its configuration.
//
// The error names every fault of the name and of the options' texts. NewInstancer
// panics if client or an option is nil or the number of an option is out of range.
func NewInstancer(client *api.Client, service string, opts ...WatchOption) (*Instancer, error) {
	var m misuse
	m.add(client == nil, "client is nil")
	o, err := newWatchOptions(&m, opts)
	m.refuse("NewInstancer")
	if err := errors.Join(checkName(service), err); err != nil {
		return nil, err
	}
	return &Instancer{health: client.Health(), service: service, options: o}, nil
}

// Watch asks Consul and then waits for changes with blocking queries, each after the
// consumer has taken what the one before brought.
//
// What Consul cannot answer is an error, and the last set stands: that Consul is away,
// or [ErrSilent], or that it hid instances for want of a permission, [ErrHidden]. Entries
// that are of no use, without a port say, are left out and reported by [ErrMalformed]
// when they turn up, not again with each set.
func (i *Instancer) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		w := watch{yield: yield}
		q := query{instancer: i}
		failures, quick := 0, 0
		for ctx.Err() == nil {
			start := time.Now()
			entries, err := q.run(ctx)
			if over(ctx) {
				return
			}
			if err != nil && !q.again(err) {
				if !w.fail(fmt.Errorf("consul: service %s: %w", i.service, err)) {
					return
				}
				failures++
				_ = i.options.backoff.Wait(ctx, failures)
				continue
			}
			failures = 0
			if err == nil && !w.tell(i.instances(entries)) {
				return
			}
			quick++
			if time.Since(start) >= i.options.pace {
				quick = 0
			}
			i.rest(ctx, quick)
		}
	}
}

// rest waits after so many quick answers in a row. Two are nothing unusual: the first
// set of all, and a change that comes just then.
func (i *Instancer) rest(ctx context.Context, quick int) {
	if quick > 2 {
		pace := i.options.pace
		_ = sd.Backoff{Base: pace / 32, Cap: pace}.Wait(ctx, quick-2)
	}
}

// over reports whether ctx is done. A dial with the context's deadline fails a moment
// before the context does, and that is no failure of Consul's.
func over(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}
