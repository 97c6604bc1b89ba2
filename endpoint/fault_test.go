package endpoint_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// contexts returns the three states in which the context of a call can be when
// the call returns.
func contexts(t *testing.T) (live, cancelled, late context.Context) {
	live = t.Context()
	cancelled, cancel := context.WithCancel(live)
	cancel()
	late, cancelLate := context.WithDeadline(live, time.Unix(0, 0))
	t.Cleanup(cancelLate)
	return live, cancelled, late
}

func TestFault(t *testing.T) {
	coded := func(c endpoint.Code) error { return &endpoint.Error{Code: c} }
	refusal := &endpoint.Error{Code: endpoint.Unavailable, Local: true, NotProcessed: true}
	// Whether it is a fault with a live context, and after the call's deadline.
	// With a cancelled context it never is.
	type verdict struct{ live, late bool }
	always, never, ifLate := verdict{true, true}, verdict{false, false}, verdict{false, true}

	live, cancelled, late := contexts(t)
	for _, tt := range []struct {
		err  error
		want verdict
	}{
		{nil, never},
		{errors.New("boom"), always},
		{&endpoint.Error{}, always},
		{context.Canceled, ifLate},
		{context.DeadlineExceeded, always},
		{coded(endpoint.Canceled), ifLate},
		{coded(endpoint.Unknown), always},
		{coded(endpoint.InvalidArgument), never},
		{coded(endpoint.DeadlineExceeded), always},
		{coded(endpoint.NotFound), never},
		{coded(endpoint.AlreadyExists), never},
		{coded(endpoint.PermissionDenied), never},
		{coded(endpoint.ResourceExhausted), never},
		{coded(endpoint.FailedPrecondition), never},
		{coded(endpoint.Aborted), never},
		{coded(endpoint.OutOfRange), never},
		{coded(endpoint.Unimplemented), never},
		{coded(endpoint.Internal), always},
		{coded(endpoint.Unavailable), always},
		{coded(endpoint.DataLoss), always},
		{coded(endpoint.Unauthenticated), never},
		{refusal, never},
		{&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}, always},
		{errors.Join(refusal, refusal), never},
		{errors.Join(refusal, coded(endpoint.Internal)), always},
		{&endpoint.Error{Code: endpoint.Unavailable, Err: refusal}, always},
		{&endpoint.Error{Code: endpoint.Internal, Err: context.Canceled}, always},
	} {
		for how, wrap := range wrappers {
			err := tt.err
			if err != nil {
				err = wrap(err)
			}
			if got := endpoint.Fault(live, err); got != tt.want.live {
				t.Errorf("%s, %v, live: got %v", how, tt.err, got)
			}
			if got := endpoint.Fault(late, err); got != tt.want.late {
				t.Errorf("%s, %v, deadline met: got %v", how, tt.err, got)
			}
			if endpoint.Fault(cancelled, err) {
				t.Errorf("%s, %v: a caller's cancellation counts as a fault", how, tt.err)
			}
		}
	}
}

// The error cannot say whose deadline fired, and need not: a deadline of the
// caller's caller, met while waiting for the instance, counts as one set here.
func TestFaultWhoeverSetTheDeadline(t *testing.T) {
	_, cancelled, late := contexts(t)
	inner, cancel := context.WithTimeout(late, time.Hour)
	defer cancel()
	if !endpoint.Fault(inner, inner.Err()) {
		t.Error("a deadline set further out is no fault")
	}
	inner, cancel = context.WithTimeout(cancelled, time.Hour)
	defer cancel()
	if endpoint.Fault(inner, inner.Err()) {
		t.Error("a cancellation further out is a fault")
	}
	caused, abort := context.WithCancelCause(t.Context())
	abort(errors.New("shutting down"))
	if endpoint.Fault(caused, context.Cause(caused)) {
		t.Error("a cancellation is a fault because it has a cause")
	}
}
