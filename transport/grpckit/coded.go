package grpckit

import (
	"context"
	"errors"

	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
)

// Coded returns an endpoint that gives an error of next that was made by grpc-go's
// package status, and that no [endpoint.Error] wraps, the status's code and message as
// an endpoint.Error that wraps it. To the caller the same goes out, see [Status]; but
// logs, metrics, spans, breakers and limiters of this side would take it for Unknown, and
// so for a fault. Put it next to a service that makes such errors:
//
//	sum := log.Calls(grpckit.Coded(svc.Sum), logger, "sum")
//
// It is not for what calls another server over a connection without this package: it
// cannot tell that server's status from one that was made here. Coded panics if next is
// nil.
func Coded[Req, Resp any](next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	refuse("Coded", unless(next != nil, "next is nil"))
	return func(ctx context.Context, req Req) (Resp, error) {
		resp, err := next(ctx, req)
		if err != nil {
			err = coded(err, chosenStatus(err))
		}
		return resp, err
	}
}

// coded gives an error the code and the message of its status, nil if there is none,
// unless it has a code already.
func coded(err error, chosen *status.Status) error {
	if chosen == nil {
		return err
	}
	if _, has := errors.AsType[*endpoint.Error](err); has {
		return err
	}
	return &endpoint.Error{Code: codeOf(chosen.Code()), Message: chosen.Message(), Err: err}
}
