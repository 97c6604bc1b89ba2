package endpoint

import (
	"errors"
	"strings"
	"time"
)

// Error is the one error model of the toolkit. An endpoint may return any error;
// one that wraps an *Error says what kind of error it is and what the caller may
// know of it.
//
// Code, Message, Reason, RetryAfter and NotProcessed cross the wire. Err, Local
// and Instance stay in this process. An Error must not be modified once it has
// been returned.
type Error struct {
	// Code is the kind of the error. OK, the zero value, counts as Unknown.
	Code Code
	// Message is a text for the caller. It leaves the process, so it must hold
	// nothing internal. Empty means a neutral text of the code's own.
	Message string
	// Reason names the error for programs, for instance "CARD_EXPIRED". It is
	// optional and should never change once it is published.
	Reason string
	// RetryAfter is how long the caller should wait before it tries again.
	// Zero means that nothing is known.
	RetryAfter time.Duration
	// NotProcessed marks that the server did not begin to process the call, so
	// that trying it again is safe whatever it does. Set it only if that is
	// certain: a failed dial, a refused stream, a limiter, a draining server.
	NotProcessed bool
	// Local marks a refusal by this process: a limiter or a breaker refused, or
	// no instance is known. No instance was asked, so none is at fault.
	Local bool
	// Instance is the ID of the instance that was asked. A balancer sets it.
	Instance string
	// Err is the cause, for logs and for errors.Is and errors.As.
	Err error
}

// Error returns code, message, instance and cause, for logs on this side.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.code().String())
	if e.Reason != "" {
		b.WriteString(" [" + e.Reason + "]")
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Instance != "" {
		b.WriteString(" (instance " + e.Instance + ")")
	}
	if e.Err != nil {
		if cause := e.Err.Error(); cause != e.Message {
			b.WriteString(": " + cause)
		}
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same code and the same reason,
// or, if neither has a reason, of the same message. So a package-level error of
// a service is found again by errors.Is on the other side of the wire.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	if !ok || e.code() != t.code() || e.Reason != t.Reason {
		return false
	}
	return e.Reason != "" || e.Message == t.Message
}

func (e *Error) code() Code {
	if e.Code == OK {
		return Unknown
	}
	return e.Code
}

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
// zero if err does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// every reports whether the outermost *Error on each branch of the tree has the
// property. A branch without an *Error has not.
func every(err error, has func(*Error) bool) bool {
	for err != nil {
		if e, ok := err.(*Error); ok {
			return has(e)
		}
		switch w := err.(type) {
		case interface{ Unwrap() error }:
			err = w.Unwrap()
		case interface{ Unwrap() []error }:
			branches := w.Unwrap()
			for _, b := range branches {
				if !every(b, has) {
					return false
				}
			}
			return len(branches) > 0
		default:
			return false
		}
	}
	return false
}
