package etcd

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// beat sends heartbeats over one stream, the first at due, until it breaks or the
// entry is lost. One stream and not one for each heartbeat: to open one is to log in,
// where etcd has users, and that is made to be slow.
func (e *entry) beat(ctx context.Context, due time.Time) error {
	ctx, cancel := e.registry.open(clientv3.WithRequireLeader(ctx))
	var receiving sync.WaitGroup
	defer receiving.Wait()
	defer cancel(nil)

	third := e.ttl / 3
	late := time.AfterFunc(third, func() { cancel(fmt.Errorf("%w: no answer within %v", ErrSilent, third)) })
	defer late.Stop()
	stream, err := e.line.lease.LeaseKeepAlive(ctx, failFast())
	if err != nil {
		return fault(ctx, err)
	}
	late.Stop()
	answers := make(chan *etcdserverpb.LeaseKeepAliveResponse)
	// It receives all the time, to know at once when the stream breaks: a server
	// that was started again may have forgotten the lease.
	receiving.Go(func() { cancel(receiveBeats(ctx, stream, answers)) })
	for {
		if pause(ctx, time.Until(due)) != nil {
			return context.Cause(ctx)
		}
		late.Reset(third)
		if err := e.renew(ctx, stream, answers); err != nil {
			return err
		}
		late.Stop()
		if err := e.check(ctx); err != nil {
			return err
		}
		if e.line.spare && e.homeAnswers(ctx) {
			return errHome
		}
		due = e.renewed.Add(e.pace())
	}
}

// renew sends one heartbeat and takes its answer.
func (e *entry) renew(ctx context.Context, stream etcdserverpb.Lease_LeaseKeepAliveClient, answers <-chan *etcdserverpb.LeaseKeepAliveResponse) error {
	sent := time.Now()
	err := stream.Send(&etcdserverpb.LeaseKeepAliveRequest{ID: e.lease})
	if err != nil && err != io.EOF { // that one is explained by the receiver
		return fault(ctx, err)
	}
	select {
	case resp := <-answers:
		if resp.TTL <= 0 {
			return errExpired
		}
		e.renewed, e.ttl = sent, time.Duration(resp.TTL)*time.Second
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func receiveBeats(ctx context.Context, stream etcdserverpb.Lease_LeaseKeepAliveClient, answers chan<- *etcdserverpb.LeaseKeepAliveResponse) error {
	for {
		resp, err := stream.Recv()
		if err != nil {
			return fault(ctx, err)
		}
		select {
		case answers <- resp:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// check reads whether the key is there and ours. What cannot be read is not lost:
// the lease lives.
func (e *entry) check(ctx context.Context) error {
	var there, ours bool
	err := e.briefly(ctx, func(ctx context.Context) (err error) {
		there, ours, err = e.line.standing(ctx, e.key, e.lease)
		return err
	})
	switch {
	case err != nil, ours:
		return nil
	case there:
		return errReplaced
	}
	return errDeleted
}
