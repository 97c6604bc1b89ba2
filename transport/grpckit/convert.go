package grpckit

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/endpoint"
)

// Convert returns an endpoint of other types that calls next, by a pair of functions
// for its requests and its responses. A server puts a domain type behind a generated
// message with it, a client the other way round:
//
//	sum: grpckit.Convert(svc.Sum, fromSumRequest, toSumReply)
//
//	sum := grpckit.Convert(grpckit.NewEndpoint(client.Sum), toSumRequest, fromSumReply)
//
// An error of request that has no code, nor one of a status, see [Coded], becomes
// InvalidArgument, one of response Internal; the text of neither goes to a caller.
// Convert panics if it is given nil.
func Convert[Outer, Req, Resp, Result any](
	next endpoint.Endpoint[Req, Resp],
	request func(Outer) (Req, error),
	response func(Resp) (Result, error),
) endpoint.Endpoint[Outer, Result] {
	refuse("Convert", unless(next != nil, "next is nil"),
		unless(request != nil, "request is nil"), unless(response != nil, "response is nil"))
	return func(ctx context.Context, outer Outer) (result Result, err error) {
		req, err := request(outer)
		if err != nil {
			return result, converted(err, "request", endpoint.InvalidArgument)
		}
		resp, err := next(ctx, req)
		if err != nil {
			return result, err
		}
		result, err = response(resp)
		if err != nil {
			var none Result
			return none, converted(err, "response", endpoint.Internal)
		}
		return result, nil
	}
}

// converted gives an error a code if it has none. A request that cannot be converted
// reaches no instance, so that none is to blame.
func converted(err error, what string, code endpoint.Code) error {
	if err = coded(err, chosenStatus(err)); endpoint.CodeOf(err) != endpoint.Unknown {
		return err
	}
	return &endpoint.Error{
		Code: code, Local: code == endpoint.InvalidArgument, Err: fmt.Errorf("grpckit: convert the %s: %w", what, err),
	}
}
