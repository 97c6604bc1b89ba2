package circuitbreaker

import (
	"context"

	"github.com/dowelkit/dowel/endpoint"
)

// Throttle calls next unless throttler refuses the call: it is [Break] with a
// [Throttler], and with [NotAccepted] for what counts as a failure. Its refusals
// are those of Break, and match [ErrOpen] too.
//
// Throttle panics if next, throttler or an option is nil.
func Throttle[Req, Resp any](next endpoint.Endpoint[Req, Resp], throttler *Throttler, opts ...Option) endpoint.Endpoint[Req, Resp] {
	return guarded(next, newGuard("Throttle", next == nil, throttler, NotAccepted, opts))
}

// NotAccepted reports whether err tells that the other side did not accept the
// call: it is its fault, see [endpoint.Fault], or it is ResourceExhausted, by which
// a server sheds load. It is the failure function of [Throttle].
func NotAccepted(ctx context.Context, err error) bool {
	return endpoint.Fault(ctx, err) || endpoint.CodeOf(err) == endpoint.ResourceExhausted
}
