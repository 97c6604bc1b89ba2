package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// follower is one stream of a watch, from the list it begins with to its break.
type follower struct {
	*Instancer
	line   *line
	news   *news
	listed bool

	stream  etcdserverpb.Watch_WatchClient
	created bool
	id      int64 // of the watcher of the place, once it is created
}

// run tells the news of the place, and returns the error that ends it.
//
// The stream is opened before the place is listed. It is of one server's life, so
// that a server which dies in between and comes back with other data breaks it. A
// watch from a revision that the server has yet to reach would be silent instead.
func (f *follower) run(ctx context.Context, failures int) error {
	f.line.revive(ctx)
	ctx, cancel := f.registry.open(clientv3.WithRequireLeader(ctx))
	var receiving sync.WaitGroup
	defer receiving.Wait()
	defer cancel(nil)

	// After failures a list may have more time: if it takes long because all
	// clients read theirs, giving up would have them do so for ever.
	patience := f.options.silence * time.Duration(min(failures+1, 6))
	late := time.AfterFunc(patience, func() { cancel(fmt.Errorf("%w: nothing within %v", ErrSilent, patience)) })
	defer late.Stop()
	var err error
	f.stream, err = f.line.watch.Watch(ctx, failFast(), ofAnySize())
	if err != nil {
		return fault(ctx, err)
	}
	answers := make(chan *etcdserverpb.WatchResponse)
	receiving.Go(func() { cancel(f.receive(ctx, answers)) })
	list, err := f.line.list(ctx, f.place)
	if err != nil {
		return why(ctx, err)
	}
	if !late.Stop() {
		return why(ctx, ErrSilent)
	}
	f.news.listed(f.place, list.Kvs)
	f.listed = true
	if err := f.watchFrom(string(f.place), f.place.end(), list.Header.Revision+1); err != nil {
		return why(ctx, err)
	}
	return f.listen(ctx, answers)
}

// why returns the cause if ctx has ended, which is closer to the truth than what a
// request says of that.
func why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// receive passes on what the stream says until it breaks.
func (f *follower) receive(ctx context.Context, answers chan<- *etcdserverpb.WatchResponse) error {
	for {
		resp, err := f.stream.Recv()
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

// listen takes what the server says, and asks when it says nothing.
func (f *follower) listen(ctx context.Context, answers <-chan *etcdserverpb.WatchResponse) error {
	half := f.options.silence / 2
	quiet := time.NewTimer(f.options.silence)
	defer quiet.Stop()
	asked := true // to create the watcher
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case resp := <-answers:
			asked = false
			quiet.Reset(half - rand.N(half/4))
			err = f.hear(resp)
		case <-quiet.C:
			if asked {
				return fmt.Errorf("%w: no word for %v", ErrSilent, f.options.silence)
			}
			asked = true
			quiet.Reset(half)
			err = f.ask()
		}
		if err != nil {
			return why(ctx, err)
		}
	}
}

// ask has the server create a watcher of a key that nobody writes. A request for
// progress would be shorter, but servers do not answer it while the place's watcher
// waits for a revision that is yet to come, which is as long as nothing is written.
func (f *follower) ask() error { return f.watchFrom(string(f.place), "", 0) }

// hear takes one response.
func (f *follower) hear(resp *etcdserverpb.WatchResponse) error {
	switch {
	case resp.Created && !f.created:
		if resp.Canceled {
			return refusal(resp)
		}
		f.created, f.id = true, resp.WatchId
	case resp.Created:
		if resp.Canceled {
			return nil // an answer nonetheless
		}
		return f.send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CancelRequest{
			CancelRequest: &etcdserverpb.WatchCancelRequest{WatchId: resp.WatchId},
		}})
	case resp.WatchId != f.id:
	case resp.CompactRevision != 0:
		return fmt.Errorf("all before revision %d: %w", resp.CompactRevision, rpctypes.ErrCompacted)
	case resp.Canceled:
		return refusal(resp)
	case len(resp.Events) > 0:
		f.news.events(f.place, resp.Events)
	}
	return nil
}

func refusal(resp *etcdserverpb.WatchResponse) error {
	if resp.CompactRevision != 0 {
		return rpctypes.ErrCompacted
	}
	if resp.CancelReason == "" {
		return errors.New("the server cancelled the watch")
	}
	return rpctypes.Error(errors.New(resp.CancelReason))
}

// watchFrom asks for a watcher. Large responses come in parts, since each event is
// taken for itself.
func (f *follower) watchFrom(key, end string, revision int64) error {
	return f.send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{
		CreateRequest: &etcdserverpb.WatchCreateRequest{
			Key: []byte(key), RangeEnd: []byte(end), StartRevision: revision, Fragment: true,
		},
	}})
}

// send leaves it to receive to tell why the stream broke: here it is but an io.EOF.
func (f *follower) send(req *etcdserverpb.WatchRequest) error {
	if err := f.stream.Send(req); err != io.EOF {
		return err
	}
	return nil
}
