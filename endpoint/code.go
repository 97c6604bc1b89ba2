package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of outcome a call had: OK, the zero value, or one of the
// sixteen error codes that gRPC defines, with gRPC's numbers. Every transport
// maps it to its wire and back. As text, in JSON for instance, it is its name.
type Code uint8

// The codes. See https://grpc.io/docs/guides/status-codes for when to use which.
const (
	OK                 Code = 0  // not an error
	Canceled           Code = 1  // the caller gave up
	Unknown            Code = 2  // an error that nobody gave a code
	InvalidArgument    Code = 3  // the request is wrong whatever the state of the system
	DeadlineExceeded   Code = 4  // the time was over before the answer
	NotFound           Code = 5  // what was asked for does not exist
	AlreadyExists      Code = 6  // what was to be created exists
	PermissionDenied   Code = 7  // the caller is known and may not
	ResourceExhausted  Code = 8  // a quota or a limit is used up
	FailedPrecondition Code = 9  // the system is not in a state for this
	Aborted            Code = 10 // a conflict with another call; repeat the whole transaction
	OutOfRange         Code = 11 // past the valid range, which may grow
	Unimplemented      Code = 12 // there is no such method here
	Internal           Code = 13 // an invariant is broken
	Unavailable        Code = 14 // not now; trying again may help
	DataLoss           Code = 15 // data is lost or corrupted for good
	Unauthenticated    Code = 16 // the caller is not known
)

var codeNames = [...]string{
	"ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found",
	"already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
	"aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss",
	"unauthenticated",
}

// String returns the code in lower snake case, for instance "not_found", and
// "code(99)" for a number that is no code.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// ParseCode returns the code with that name, in upper or lower case. It returns
// Unknown and an error for any other text.
func ParseCode(name string) (Code, error) {
	for i, n := range codeNames {
		// Of the same length, because letters beyond ASCII fold to those within.
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return Code(i), nil
		}
	}
	return Unknown, fmt.Errorf("endpoint: no code is named %.40q", name)
}

// isError reports whether c is one of the sixteen.
func (c Code) isError() bool { return OK < c && int(c) < len(codeNames) }

// MarshalText returns what String returns. A number that is no code is an error.
func (c Code) MarshalText() ([]byte, error) {
	if int(c) >= len(codeNames) {
		return nil, fmt.Errorf("endpoint: %d is no code", uint8(c))
	}
	return []byte(codeNames[c]), nil
}

// UnmarshalText reads what [ParseCode] reads. It changes nothing on an error.
func (c *Code) UnmarshalText(text []byte) error {
	parsed, err := ParseCode(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// CodeOf returns the code of err: OK for nil, that of the first [*Error] in its
// tree, Canceled or DeadlineExceeded for an error that wraps the context's, and
// Unknown for every other.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.code()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	}
	return Unknown
}
