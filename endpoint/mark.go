package endpoint

import (
	"errors"
	"time"
)

// IsNotProcessed reports whether err proves that the server did not begin to
// process the call. The first [*Error] in the tree decides; several joined
// errors prove it only if each of them does.
func IsNotProcessed(err error) bool {
	return every(err, func(e *Error) bool { return e.NotProcessed })
}

// IsLocal reports whether err is a refusal by this process, made without asking
// an instance. The first [*Error] in the tree decides; joined errors are local
// only if each of them is.
func IsLocal(err error) bool {
	return every(err, func(e *Error) bool { return e.Local })
}

// RetryAfter returns how long the caller should wait before it tries again, and
// zero if err does not say. The first [*Error] in the tree decides.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return max(0, e.RetryAfter)
	}
	return 0
}

// every reports whether the outermost *Error on each branch of the tree has the
// property. A branch without an *Error has not.
func every(err error, has func(*Error) bool) bool {
	for err != nil {
		if e, ok := itself(err); ok {
			return has(e)
		}
		switch w := err.(type) {
		case interface{ Unwrap() error }:
			err = w.Unwrap()
		case interface{ Unwrap() []error }:
			return all(w.Unwrap(), has)
		default:
			return false
		}
	}
	return false
}

// all reports whether there are branches and each has the property. Nil is none,
// as for errors.As.
func all(branches []error, has func(*Error) bool) bool {
	found := false
	for _, b := range branches {
		if b == nil {
			continue
		}
		if !every(b, has) {
			return false
		}
		found = true
	}
	return found
}

// itself returns what errors.AsType would, without a look at what err wraps. A
// user's own error type may present itself as an *Error by its As method.
func itself(err error) (*Error, bool) {
	if e, ok := err.(*Error); ok {
		return e, true
	}
	if x, ok := err.(interface{ As(any) bool }); ok {
		var e *Error
		if x.As(&e) {
			return e, true
		}
	}
	return nil, false
}
