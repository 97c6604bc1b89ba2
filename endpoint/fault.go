package endpoint

import "context"

// Fault reports whether err counts against the instance that was asked. It is
// the one answer that breakers, ejection, retries and load statistics use.
//
// It needs the context of the call, since an error cannot say whose deadline
// fired. Ask it only about a call whose context was not done when the call
// began. A deadline met while waiting for the instance is a fault, whoever set
// it; a cancellation by the caller never is, nor is an [Error.Local] refusal, nor
// an error that the request deserves, such as InvalidArgument or NotFound, nor
// ResourceExhausted, by which a healthy server protects itself. What remains is
// Unknown, DeadlineExceeded, Internal, Unavailable and DataLoss.
func Fault(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() == context.Canceled || IsLocal(err) {
		return false
	}
	switch CodeOf(err) {
	case Unknown, DeadlineExceeded, Internal, Unavailable, DataLoss:
		return true
	case Canceled:
		// Transports often report a deadline of theirs as a cancellation.
		return ctx.Err() == context.DeadlineExceeded
	}
	return false
}
