package etcd

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// registry is etcd as the user's client reaches it.
type registry struct {
	client *clientv3.Client
	main   *line // the client's own connection
}

func newRegistry(m *misuse, client *clientv3.Client) *registry {
	if client == nil {
		m.add(true, "client is nil")
		return nil
	}
	conn := client.ActiveConnection()
	m.add(conn == nil, "client has no connection")
	// Keys would be looked up without the prefix that such a client adds.
	m.add(wrapped(client), "client is wrapped, by package namespace perhaps; pass one that is not, and the whole prefix")
	return &registry{client: client, main: newLine(conn)}
}

// wrapped reports that the user has put something of his own in the place of what
// the client came with.
func wrapped(client *clientv3.Client) bool {
	same := func(a, b any) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }
	return !same(client.KV, clientv3.NewKV(client)) || !same(client.Watcher, clientv3.NewWatcher(client))
}

// within returns a context for one request: it also ends when d is over, with
// ErrSilent as its cause, and when the client is closed, with ErrClosed.
func (r *registry) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := r.open(ctx)
	late := time.AfterFunc(d, func() { cancel(fmt.Errorf("%w: no answer within %v", ErrSilent, d)) })
	return ctx, func() { late.Stop(); cancel(nil) }
}

// open returns a context that also ends when the client is closed. Without this a
// request on a closed client goes on for seconds: the client's own interceptor takes
// gRPC's refusal for a reason to try again.
func (r *registry) open(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(r.client.Ctx(), func() { cancel(ErrClosed) })
	return ctx, func(cause error) { stop(); cancel(cause) }
}

// told returns ErrClosed for what a closed client makes of a request, which may be
// known before open has ended its context.
func (r *registry) told(err error) error {
	if r.client.Ctx().Err() != nil {
		return ErrClosed
	}
	return err
}

// fault makes of a request's error what the user is told: the cause if ctx was ended
// by ourselves, etcd's own error if it is one.
func fault(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && (errors.Is(cause, ErrClosed) || errors.Is(cause, ErrSilent)) {
		return cause
	}
	return rpctypes.Error(err)
}
