package etcd

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// line is a connection, and etcd's protocol spoken over it. It has the credentials and
// interceptors of the user's client and goes below its KV, Lease and Watcher, which
// hide what has to be known here. A Watcher resumes by itself where it was when its
// connection broke, and then hears nothing, for ever, from a server that has lost its
// data and counts revisions from 1 again; it also leaves its stream behind if it is
// cancelled at the wrong moment. KV waits without a word while nobody can be reached.
// KeepAliveOnce repeats what a server without a leader refuses, without a pause.
type line struct {
	conn  *grpc.ClientConn
	kv    etcdserverpb.KVClient
	lease etcdserverpb.LeaseClient
	watch etcdserverpb.WatchClient
	spare bool
}

func newLine(conn *grpc.ClientConn) *line {
	return &line{
		conn:  conn,
		kv:    etcdserverpb.NewKVClient(conn),
		lease: etcdserverpb.NewLeaseClient(conn),
		watch: etcdserverpb.NewWatchClient(conn),
	}
}

// after returns the line to take after an error on l: another if l was silent. A client
// without keep-alives stays for a quarter of an hour with a connection whose far end
// has gone without a word, or that something in between has forgotten. So a spare one
// is opened then, to any of its endpoints and with its configuration. A spare is left,
// and closed, at its first error, which may be that the main line answers again.
// Whoever has called after must hang up in the end.
func (r *registry) after(err error, l *line) *line {
	if l.spare {
		return r.hangUp(l)
	}
	endpoints := r.client.Endpoints()
	if !errors.Is(err, ErrSilent) || len(endpoints) == 0 || r.client.Ctx().Err() != nil {
		return l
	}
	spare, err := r.dial(endpoints[rand.N(len(endpoints))])
	if err != nil {
		return l
	}
	return spare
}

// dial opens a spare line. A client with a password logs in before each stream, over
// its own connection and not over the one that the stream is for: while the first is
// dead no stream would come about. So a spare has a client that logs in over it.
func (r *registry) dial(endpoint string) (*line, error) {
	client := r.client
	if client.Username != "" {
		client = new(clientv3.Client)
		// An assignment would do, but to vet, which sees a lock in an atomic pointer.
		reflect.ValueOf(client).Elem().Set(reflect.ValueOf(r.client).Elem())
	}
	conn, err := client.Dial(endpoint)
	if err != nil {
		return nil, err
	}
	if client != r.client {
		client.Auth = clientv3.NewAuthFromAuthClient(etcdserverpb.NewAuthClient(conn), client)
	}
	spare := newLine(conn)
	spare.spare = true
	return spare, nil
}

// hangUp closes a spare line, and returns the main one.
func (r *registry) hangUp(l *line) *line {
	if l.spare {
		_ = l.conn.Close()
	}
	return r.main
}

// answers reports whether the main line does, within d. To refuse is to answer.
func (r *registry) answers(ctx context.Context, key string, d time.Duration) bool {
	ctx, cancel := r.within(ctx, d)
	defer cancel()
	r.main.revive(ctx)
	_, err := r.main.kv.Range(ctx, &etcdserverpb.RangeRequest{Key: []byte(key), CountOnly: true}, failFast())
	return err == nil || refused(fault(ctx, err))
}

// revive has a connection that waits before it tries again do so now, and gives it a
// moment. gRPC's waits grow to two minutes, and whoever calls this has waited with
// jitter already.
func (l *line) revive(ctx context.Context) {
	if l.conn.GetState() != connectivity.TransientFailure {
		return
	}
	l.conn.ResetConnectBackoff()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	l.conn.WaitForStateChange(ctx, connectivity.TransientFailure)
}

// failFast makes a request fail at once, with the reason, if there is no connection.
// The client's default is to wait.
func failFast() grpc.CallOption { return grpc.WaitForReady(false) }

// ofAnySize takes answers of more than gRPC's 4 MB: what is in etcd is what it is.
func ofAnySize() grpc.CallOption { return grpc.MaxCallRecvMsgSize(math.MaxInt32) }

// pause waits for d, or until ctx is done, whose error it returns then.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
