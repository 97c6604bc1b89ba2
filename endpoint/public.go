package endpoint

import "errors"

// Public returns what the caller may know of err: an Error with neither cause
// nor instance. Every transport sends this and nothing else.
//
// An error that nobody gave a code becomes Internal, an empty message becomes a
// neutral one, and the mark NotProcessed is dropped from an [Error.Outgoing]
// error: what another server refused in the middle of this call says nothing
// about how far this server got with it. Public of nil is nil.
func Public(err error) *Error {
	if err == nil {
		return nil
	}
	pub := &Error{Code: CodeOf(err)}
	e, ok := errors.AsType[*Error](err)
	if ok {
		pub.Message, pub.Reason, pub.RetryAfter = e.Message, e.Reason, RetryAfter(err)
		pub.NotProcessed = every(err, func(e *Error) bool { return e.NotProcessed && !e.Outgoing })
	}
	if chosen := ok && e.Code.isError(); pub.Code == Unknown && !chosen {
		pub.Code = Internal
	}
	pub.Message = pub.message()
	return pub
}

var neutral = [...]string{
	Canceled:           "the call was canceled",
	Unknown:            "unknown error",
	InvalidArgument:    "the request is not valid",
	DeadlineExceeded:   "the deadline is exceeded",
	NotFound:           "not found",
	AlreadyExists:      "it exists already",
	PermissionDenied:   "permission denied",
	ResourceExhausted:  "too many calls",
	FailedPrecondition: "the system is not in a state for this call",
	Aborted:            "the call was aborted",
	OutOfRange:         "out of range",
	Unimplemented:      "not implemented",
	Internal:           "internal error",
	Unavailable:        "the service is not available",
	DataLoss:           "data loss",
	Unauthenticated:    "the caller is not authenticated",
}
