package httpkit

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/dowelkit/dowel/endpoint"
)

// WithStatus returns an error that wraps err and is answered with that status,
// where the one that belongs to its code is not precise enough: 422 or 415 for
// an InvalidArgument, say. The body still carries the code. It panics if err is
// nil or status is not between 400 and 599.
func WithStatus(err error, status int) error {
	if err == nil || status < 400 || status > 599 {
		panic(fmt.Sprintf("httpkit: WithStatus: want an error and a status of 400 to 599, not %v and %d", err, status))
	}
	return &statusError{err: err, status: status}
}

type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// chosenStatus knows only our own type: an error of some client library that
// happens to have a StatusCode method must not decide what we answer.
func chosenStatus(err error) (int, bool) {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status, true
	}
	return 0, false
}

// StatusOf returns the HTTP status that err is answered with: that of
// [WithStatus], or that of its code. It returns 200 for nil.
func StatusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if status, ok := chosenStatus(err); ok {
		return status
	}
	return statusOf(endpoint.Public(err).Code)
}
