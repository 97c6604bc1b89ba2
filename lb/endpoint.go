package lb

import (
	"context"
	"errors"

	"github.com/dowelkit/dowel/endpoint"
)

// errPanicked is what an instance's call is booked as when it panics.
var errPanicked = &endpoint.Error{Code: endpoint.Internal, Message: "panic"}

// Endpoint returns an endpoint that calls a method of the client of the instance
// that the balancer picks. method is usually a method expression:
//
//	uppercase := lb.Endpoint(balancer, (*stringsvc.Client).Uppercase)
//
// An error of a call is an [*endpoint.Error] that names the instance, keeps code,
// message, reason and marks, and wraps the error as it was. A context that is
// done already is an error before any pick. A first call that comes before the
// instances are known waits for them, see [Balancer.PickOrWait]. Endpoint panics if
// balancer or method is nil.
func Endpoint[C, Req, Resp any](
	balancer *Balancer[C],
	method func(c C, ctx context.Context, req Req) (Resp, error),
) endpoint.Endpoint[Req, Resp] {
	var faults []error
	if balancer == nil {
		faults = append(faults, errors.New("the balancer is nil"))
	}
	if method == nil {
		faults = append(faults, errors.New("the method is nil"))
	}
	refuse("Endpoint", faults)
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		if err := ctx.Err(); err != nil {
			return resp, err
		}
		lease, err := balancer.Pick(ctx)
		if err != nil {
			if lease, err = balancer.pickLater(ctx, err); err != nil {
				return resp, err
			}
		}
		outcome := error(errPanicked)
		defer func() { lease.Done(ctx, outcome) }()
		resp, outcome = method(lease.Client(), ctx, req)
		if outcome != nil {
			return resp, named(outcome, lease.Instance().ID)
		}
		return resp, nil
	}
}

// named says which instance an error came from.
func named(err error, instance string) error {
	e := &endpoint.Error{
		Code: endpoint.CodeOf(err), RetryAfter: endpoint.RetryAfter(err),
		NotProcessed: endpoint.IsNotProcessed(err), Local: endpoint.IsLocal(err),
		Outgoing: true, Instance: instance, Err: err,
	}
	inner, ok := errors.AsType[*endpoint.Error](err)
	switch {
	case ok:
		e.Code, e.Message, e.Reason = inner.Code, inner.Message, inner.Reason
	case e.Code == endpoint.Unknown:
		e.Code = endpoint.OK // nobody chose it: see endpoint.Public
	}
	return e
}
