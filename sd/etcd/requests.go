package etcd

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// list returns all entries of a place.
func (l *line) list(ctx context.Context, p place) (*etcdserverpb.RangeResponse, error) {
	resp, err := l.kv.Range(ctx, &etcdserverpb.RangeRequest{Key: []byte(p), RangeEnd: []byte(p.end())},
		failFast(), ofAnySize())
	if err != nil {
		return nil, fault(ctx, err)
	}
	return resp, nil
}

// holder is what is at a key.
type holder struct {
	revision   int64 // of the last write; 0 if nothing is there
	lease      int64 // 0 for none
	generation int64 // 0 if it was not written by a Registrar
}

// holder reads who has a key.
func (l *line) holder(ctx context.Context, key string) (holder, error) {
	resp, err := l.kv.Range(ctx, &etcdserverpb.RangeRequest{Key: []byte(key)}, failFast(), ofAnySize())
	if err != nil {
		return holder{}, fault(ctx, err)
	}
	if len(resp.Kvs) == 0 {
		return holder{}, nil
	}
	kv := resp.Kvs[0]
	_, generation, _ := decode("", kv.Value)
	return holder{revision: kv.ModRevision, lease: kv.Lease, generation: generation}, nil
}

// standing reads whether a key is there, and whether it has that lease. It compares
// instead of reading the key: a range without values comes without leases too.
func (l *line) standing(ctx context.Context, key string, lease int64) (there, ours bool, err error) {
	resp, err := l.kv.Txn(ctx, &etcdserverpb.TxnRequest{
		Compare: []*etcdserverpb.Compare{{
			Key:         []byte(key),
			Target:      etcdserverpb.Compare_LEASE,
			Result:      etcdserverpb.Compare_EQUAL,
			TargetUnion: &etcdserverpb.Compare_Lease{Lease: lease},
		}},
		Failure: []*etcdserverpb.RequestOp{{Request: &etcdserverpb.RequestOp_RequestRange{
			RequestRange: &etcdserverpb.RangeRequest{Key: []byte(key), CountOnly: true},
		}}},
	}, failFast())
	if err != nil {
		return false, false, fault(ctx, err)
	}
	if resp.Succeeded {
		return true, true, nil
	}
	return len(resp.Responses) > 0 && resp.Responses[0].GetResponseRange().GetCount() > 0, false, nil
}

// swap writes a key if its last write is still that of the revision, and reports
// whether it was. Revision 0 means that the key does not exist.
func (l *line) swap(ctx context.Context, key string, text []byte, lease, revision int64) (written bool, err error) {
	resp, err := l.kv.Txn(ctx, &etcdserverpb.TxnRequest{
		Compare: []*etcdserverpb.Compare{{
			Key:         []byte(key),
			Target:      etcdserverpb.Compare_MOD,
			Result:      etcdserverpb.Compare_EQUAL,
			TargetUnion: &etcdserverpb.Compare_ModRevision{ModRevision: revision},
		}},
		Success: []*etcdserverpb.RequestOp{{Request: &etcdserverpb.RequestOp_RequestPut{
			RequestPut: &etcdserverpb.PutRequest{Key: []byte(key), Value: text, Lease: lease},
		}}},
	}, failFast())
	if err != nil {
		return false, fault(ctx, err)
	}
	return resp.Succeeded, nil
}

// grant makes a lease of that ID.
func (l *line) grant(ctx context.Context, lease, seconds int64) (ttl time.Duration, err error) {
	resp, err := l.lease.LeaseGrant(ctx, &etcdserverpb.LeaseGrantRequest{ID: lease, TTL: seconds}, failFast())
	if err != nil {
		return 0, fault(ctx, err)
	}
	return time.Duration(resp.TTL) * time.Second, nil
}

func (l *line) revoke(ctx context.Context, lease int64) error {
	_, err := l.lease.LeaseRevoke(ctx, &etcdserverpb.LeaseRevokeRequest{ID: lease}, failFast())
	return fault(ctx, err)
}
