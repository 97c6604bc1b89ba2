package endpoint

import (
	"strings"
	"time"
)

// Error is the one error model of the toolkit. An endpoint may return any error;
// one that wraps an *Error says what kind of error it is and what the caller may
// know of it.
//
// Code, Message, Reason, RetryAfter and NotProcessed cross the wire. Local,
// Outgoing, Instance and Err stay in this process. An Error is safe for
// concurrent use as long as nobody modifies it, and nobody may once it has been
// returned.
type Error struct {
	// Code is the kind of the error. OK, the zero value, counts as Unknown, and
	// so does a number that is no code.
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
	// Outgoing marks an error of a call that this process made to another. Client
	// endpoints and balancers set it. What the other refused says nothing about
	// how far this process got with its own caller's call, so NotProcessed of
	// such an error is not sent on.
	Outgoing bool
	// Instance is the ID of the instance that was asked. Balancers set it, and
	// transports that balance.
	Instance string
	// Err is the cause, for logs and for errors.Is and errors.As.
	Err error
}

// Error returns code, reason, message, instance and cause, for logs on this side.
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
// or, if neither has a reason, of the same message. An empty message is the same
// as the neutral one. So a package-level error of a service is found again by
// errors.Is on the other side of the wire.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	if !ok || e.code() != t.code() || e.Reason != t.Reason {
		return false
	}
	return e.Reason != "" || e.message() == t.message()
}

func (e *Error) code() Code {
	if !e.Code.isError() {
		return Unknown
	}
	return e.Code
}

// message returns the text that the other side of the wire would see.
func (e *Error) message() string {
	if e.Message == "" {
		return neutral[e.code()]
	}
	return e.Message
}
