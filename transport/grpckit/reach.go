package grpckit

import "context"

// How far a call got, as far as its pickers know. An attempt in flight writes nothing
// down, so that one that succeeds need not find its call.
const (
	unknown int32 = iota // an attempt may be on its way
	unsent               // no attempt had a stream, so that nothing can have reached a server
	reached              // one that failed had a stream
)

// missed notes that nobody was picked for a call, or one to whom it could not be sent.
// grpc-go may ask again, and then [outbound.again] is to be told: so pickers look for
// their calls for as long as there is one that missed. ctx is that of the pick, which
// ends with the call.
func (b *connBalancer) missed(ctx context.Context, o *outbound) {
	if o == nil || !o.reach.CompareAndSwap(unknown, unsent) || o.missing.Swap(true) {
		return
	}
	b.missing.Add(1)
	context.AfterFunc(ctx, func() { b.missing.Add(-1) })
}

// again notes that there is to be another attempt. The call may be nil.
func (o *outbound) again() {
	if o != nil {
		o.reach.CompareAndSwap(unsent, unknown)
	}
}
