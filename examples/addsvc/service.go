package main

import (
	"context"
	"math"

	"github.com/dowelkit/dowel/endpoint"
)

// The errors of the service: errors.Is finds them again on the other side of either wire.
var (
	ErrTwoZeroes = &endpoint.Error{Code: endpoint.InvalidArgument, Reason: "TWO_ZEROES", Message: "cannot sum two zeroes"}
	ErrOverflow  = &endpoint.Error{Code: endpoint.OutOfRange, Reason: "OVERFLOW", Message: "the sum is too large"}
	ErrTooLong   = &endpoint.Error{Code: endpoint.InvalidArgument, Reason: "TOO_LONG", Message: "longer than ten bytes"}
)

type SumRequest struct {
	A int64 `json:"a"`
	B int64 `json:"b"`
}

type ConcatRequest struct {
	A string `json:"a"`
	B string `json:"b"`
}

// Service is the business logic. It knows nothing of wires.
type Service struct{}

// Sum adds two numbers. For business reasons it does not add zeroes.
func (Service) Sum(_ context.Context, r SumRequest) (int64, error) {
	if r.A == 0 && r.B == 0 {
		return 0, ErrTwoZeroes
	}
	if r.B > 0 && r.A > math.MaxInt64-r.B || r.B < 0 && r.A < math.MinInt64-r.B {
		return 0, ErrOverflow
	}
	return r.A + r.B, nil
}

// Concat puts two texts together.
func (Service) Concat(_ context.Context, r ConcatRequest) (string, error) {
	if len(r.A)+len(r.B) > 10 {
		return "", ErrTooLong
	}
	return r.A + r.B, nil
}
