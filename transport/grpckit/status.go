package grpckit

import (
	"cmp"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dowelkit/dowel/endpoint"
)

const (
	// domain is that of the ErrorInfo by which we know a status of our own.
	domain = "dowelkit.github.io"
	// notProcessed is the key in its metadata of [endpoint.Error.NotProcessed].
	notProcessed = "not_processed"
	// maxMessage and maxReason bound a message and a reason, in bytes as they are
	// encoded, see [clip]. A message goes out twice, once of these in base64, and there
	// are peers that take no more than 8 KiB of headers and fail the call for them.
	maxMessage = 2 << 10
	maxReason  = 512
)

// Status returns what goes out for err: what the caller may know of it, by
// [endpoint.Public], and nothing internal. Status of nil is nil, which is OK.
//
// An error made by grpc-go's package status has a code, a message and details that
// its author chose for the caller; it goes out with them, an empty message as a neutral
// one. So do the details of one that an [endpoint.Error] wraps, unless that is marked
// Outgoing: what another server said stays here. What asks [endpoint.CodeOf] on this
// side knows nothing of such a status: see [Coded].
func Status(err error) *status.Status {
	if err == nil {
		return nil
	}
	chosen := chosenStatus(err)
	pub := endpoint.Public(coded(err, chosen))
	p := status.New(codes.Code(pub.Code), clip(pub.Message, maxMessage)).Proto()
	if chosen != nil {
		p.Details = append(p.Details, chosen.Proto().GetDetails()...)
	}
	info := &errdetails.ErrorInfo{Domain: domain, Reason: clip(pub.Reason, maxReason)}
	if pub.NotProcessed {
		info.Metadata = map[string]string{notProcessed: "true"}
	}
	p.Details = appendDetail(p.Details, info)
	if pub.RetryAfter > 0 {
		p.Details = appendDetail(p.Details, &errdetails.RetryInfo{RetryDelay: durationpb.New(pub.RetryAfter)})
	}
	return status.FromProto(p)
}

// chosenStatus returns the status that this side made for its caller, or nil.
func chosenStatus(err error) *status.Status {
	s, ok := errors.AsType[statusError](err)
	if !ok {
		return nil
	}
	for e, ok := errors.AsType[*endpoint.Error](err); ok; e, ok = errors.AsType[*endpoint.Error](e.Err) {
		if e.Outgoing {
			return nil
		}
	}
	// An error that says it is none is none of the author's choice.
	if st := s.GRPCStatus(); st.Code() != codes.OK {
		return st
	}
	return nil
}

// statusError is what grpc-go takes a status from.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

func appendDetail(details []*anypb.Any, m proto.Message) []*anypb.Any {
	if detail, err := anypb.New(m); err == nil {
		return append(details, detail)
	}
	return details
}

// clip makes a text fit for a status, of which no more is sent than limit bytes: gRPC
// writes three, "%C3" say, for each byte that is not a printable one of ASCII. One that
// is not UTF-8 would cost all details.
func clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for i, r := range text {
		size := 1
		if r < ' ' || r > '~' || r == '%' {
			size = 3 * utf8.RuneLen(r)
		}
		if limit -= size; limit < 0 {
			return text[:i]
		}
	}
	return text
}

// codeOf takes a number that is no code for Unknown, as gRPC demands.
func codeOf(c codes.Code) endpoint.Code {
	if c > codes.Unauthenticated {
		return endpoint.Unknown
	}
	return endpoint.Code(c)
}

// Error returns what a status says, as an error marked Outgoing that wraps the
// status; nil if it is OK. Code, reason and retry-after are anybody's. The message and
// the mark NotProcessed are believed of a status that [Status] made; the text of
// another is kept in the cause, for logs, and does not go on to our own callers. Of a
// [Foreign] server no status counts as made by Status, and its reason is kept likewise.
func Error(st *status.Status) error {
	if st.Code() == codes.OK {
		return nil
	}
	return errorOf(st)
}

func errorOf(st *status.Status) *endpoint.Error {
	e := &endpoint.Error{Code: codeOf(st.Code()), Outgoing: true, Err: &remote{status: st}}
	for _, detail := range st.Proto().GetDetails() {
		if detail.MessageIs((*errdetails.ErrorInfo)(nil)) {
			readInfo(e, st, detail)
		} else if detail.MessageIs((*errdetails.RetryInfo)(nil)) {
			readRetry(e, detail)
		}
	}
	return e
}

func readInfo(e *endpoint.Error, st *status.Status, detail *anypb.Any) {
	info := new(errdetails.ErrorInfo)
	if detail.UnmarshalTo(info) != nil {
		return
	}
	if info.GetDomain() == domain {
		e.Message = st.Message()
		e.NotProcessed = info.GetMetadata()[notProcessed] == "true"
		e.Reason = cmp.Or(info.GetReason(), e.Reason)
	}
	e.Reason = cmp.Or(e.Reason, info.GetReason())
}

func readRetry(e *endpoint.Error, detail *anypb.Any) {
	info := new(errdetails.RetryInfo)
	if detail.UnmarshalTo(info) == nil {
		e.RetryAfter = max(e.RetryAfter, positive(info.GetRetryDelay()))
	}
}

// positive returns d, zero if it is malformed. AsDuration saturates.
func positive(d *durationpb.Duration) time.Duration {
	if d.CheckValid() != nil {
		return 0
	}
	return max(0, d.AsDuration())
}

// distrust takes back what only a server of our own is believed, and keeps it from
// those that we serve: whoever wants our domain in a status can write it there.
func distrust(e *endpoint.Error) {
	e.NotProcessed, e.Message = false, ""
	if r, ok := errors.AsType[*remote](e.Err); ok {
		r.reason, e.Reason = e.Reason, ""
	}
}

// remote is a status as a cause. It reads as the text alone, and the reason if the
// error that wraps it does not tell that.
type remote struct {
	status *status.Status
	reason string
}

func (r *remote) Error() string {
	if r.reason != "" {
		return "[" + r.reason + "] " + r.status.Message()
	}
	return r.status.Message()
}

// GRPCStatus lets status.FromError find code, text and details.
func (r *remote) GRPCStatus() *status.Status { return r.status }
