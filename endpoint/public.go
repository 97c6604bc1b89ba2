package endpoint

import "errors"

// Public returns what the caller may know of err: an Error with neither cause
// nor instance. Every transport sends this and nothing else.
//
// An error that nobody gave a code becomes Internal, an empty message becomes a
// neutral one, and the mark NotProcessed is kept only on a [Error.Local]
// refusal: what another server refused in the middle of this call says nothing
// about whether this server began to process it. Public of nil is nil.
func Public(err error) *Error {
	if err == nil {
		return nil
	}
	pub := &Error{Code: CodeOf(err)}
	if e, ok := errors.AsType[*Error](err); ok {
		pub.Message, pub.Reason, pub.RetryAfter = e.Message, e.Reason, e.RetryAfter
		pub.NotProcessed = IsLocal(err) && IsNotProcessed(err)
	} else if pub.Code == Unknown {
		pub.Code = Internal
	}
	if pub.Message == "" {
		pub.Message = neutral[pub.Code]
	}
	return pub
}

var neutral = map[Code]string{
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
