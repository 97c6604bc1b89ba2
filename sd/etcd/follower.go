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
	pending []bool // the watchers asked for and not created yet: whether it is the place's
	id      int64  // of the place's watcher, once it is created
	created bool
}

// listing is what came of reading a place.
type listing struct {
	*etcdserverpb.RangeResponse
	err error
}

// run tells the news of the place, and returns the error that ends it.
//
// The stream is opened before the place is listed. It is of one server's life, so
// that a server which dies in between and comes back with other data breaks it. A
// watch from a revision that the server has yet to reach would be silent instead.
//
// A list may take its time where many clients read theirs at once: to give up would
// have them do so for ever. A dead line must not, so the server has to answer little
// questions on the stream meanwhile.
func (f *follower) run(ctx context.Context) error {
	start, first := time.Now(), f.options.firstWord()
	ctx, cancel := f.registry.open(clientv3.WithRequireLeader(ctx))
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel(nil)
	late := time.AfterFunc(first, func() { cancel(fmt.Errorf("%w: no connection within %v", ErrSilent, first)) })
	defer late.Stop()
	f.line.revive(ctx)
	var err error
	f.stream, err = f.line.watch.Watch(ctx, failFast(), ofAnySize())
	if err != nil {
		return fault(ctx, err)
	}
	late.Stop()
	if err := f.ask(); err != nil {
		return why(ctx, err)
	}
	answers, lists := make(chan *etcdserverpb.WatchResponse), make(chan listing, 1)
	working.Go(func() { cancel(f.receive(ctx, answers)) })
	working.Go(func() { lists <- f.list(ctx) })
	return f.listen(ctx, start, answers, lists)
}

// list reads the place.
func (f *follower) list(ctx context.Context) listing {
	ctx, cancel := f.registry.within(ctx, 6*f.options.silence)
	defer cancel()
	resp, err := f.line.list(ctx, f.place)
	return listing{resp, err}
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

// listen takes what the server says, and asks when it says nothing. The first word is
// due since start.
func (f *follower) listen(ctx context.Context, start time.Time, answers <-chan *etcdserverpb.WatchResponse, lists <-chan listing) error {
	half := f.options.silence / 2
	quiet := time.NewTimer(time.Until(start.Add(f.options.firstWord())))
	defer quiet.Stop()
	heard, asked := start, true
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case resp := <-answers:
			heard, asked = time.Now(), false
			quiet.Reset(half - rand.N(half/4))
			err = f.hear(resp)
		case list := <-lists:
			err = f.begin(list)
		case <-quiet.C:
			if asked {
				return fmt.Errorf("%w: no word for %v", ErrSilent, time.Since(heard).Round(time.Second/10))
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

// begin tells the list, and asks for what comes after it.
func (f *follower) begin(list listing) error {
	if list.err != nil {
		return list.err
	}
	f.news.listed(f.place, list.Kvs)
	f.listed = true
	return f.watchFrom(string(f.place), f.place.end(), list.Header.Revision+1)
}

// ask has the server create a watcher of a key that nobody writes. A request for
// progress would be shorter, but servers do not answer it while the place's watcher
// waits for a revision that is yet to come, which is as long as nothing is written.
func (f *follower) ask() error { return f.watchFrom(string(f.place), "", 0) }

// hear takes one response.
func (f *follower) hear(resp *etcdserverpb.WatchResponse) error {
	switch {
	case resp.Created:
		return f.hearCreated(resp)
	case !f.created || resp.WatchId != f.id:
	case resp.CompactRevision != 0:
		return fmt.Errorf("all before revision %d: %w", resp.CompactRevision, rpctypes.ErrCompacted)
	case resp.Canceled:
		return refusal(resp)
	case len(resp.Events) > 0:
		f.news.events(f.place, resp.Events)
	}
	return nil
}

// hearCreated takes the answer to watchFrom, which come in the order of the questions.
func (f *follower) hearCreated(resp *etcdserverpb.WatchResponse) error {
	if len(f.pending) == 0 {
		return nil // of no question of ours
	}
	ofPlace := f.pending[0]
	f.pending = f.pending[1:]
	switch {
	case ofPlace && resp.Canceled:
		return refusal(resp)
	case ofPlace:
		f.created, f.id = true, resp.WatchId
		return nil
	case resp.Canceled:
		return nil // an answer nonetheless
	}
	return f.send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CancelRequest{
		CancelRequest: &etcdserverpb.WatchCancelRequest{WatchId: resp.WatchId},
	}})
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
	f.pending = append(f.pending, end != "")
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
