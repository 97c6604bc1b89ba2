package grpckit_test

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
)

func containsFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

func withDetail(code codes.Code, text string, detail protoadapt.MessageV1) error {
	st, err := status.New(code, text).WithDetails(detail)
	if err != nil {
		panic(err)
	}
	return st.Err()
}

func TestNoErrorIsNoStatus(t *testing.T) {
	if st := grpckit.Status(nil); st.Code() != codes.OK || st.Err() != nil {
		t.Errorf("of nil the status is %v", st)
	}
	if err := grpckit.Error(nil); err != nil {
		t.Errorf("of no status the error is %v", err)
	}
	if err := grpckit.Error(status.New(codes.OK, "fine")); err != nil {
		t.Errorf("of OK the error is %v", err)
	}
}

func TestAnErrorOfCodeOKGoesOutAsInternal(t *testing.T) {
	// status.Error returns nil for OK, so that only a type of somebody's own can be one.
	if st := grpckit.Status(okError{}); st.Code() != codes.Internal {
		t.Errorf("the status is %v", st)
	}
}

type okError struct{}

func (okError) Error() string              { return "fine" }
func (okError) GRPCStatus() *status.Status { return status.New(codes.OK, "fine") }

// There are peers that fail a call for more than 8 KiB of headers. What is sent is
// longer than the text: gRPC's own server encodes it, and the headers are measured here.
func TestTextsAreMadeFitForTheWire(t *testing.T) {
	for name, letter := range map[string]string{
		"ASCII": "x", "umlauts": "ä", "emojis": "\U0001F600", "percent signs": "%", "line feeds": "\n", "what is no UTF-8": "x\xff",
	} {
		long := strings.Repeat(letter, 9000)
		sent := &endpoint.Error{Code: endpoint.Aborted, Message: long, Reason: long}
		st := grpckit.Status(sent)
		text := strings.ToValidUTF8(long, "\uFFFD")
		if n := len(st.Message()); n == 0 || !strings.HasPrefix(text, st.Message()) || !utf8.ValidString(st.Message()) {
			t.Errorf("%s: a message of %d bytes goes out, valid: %v", name, n, utf8.ValidString(st.Message()))
		}
		size := headerBytes(t, serve(t, grpckit.NewServer(), failing(sent)))
		if size > 8<<10 || size < 2<<10 {
			t.Errorf("%s: the headers have %d bytes", name, size)
		}
	}
	if st := grpckit.Status(&endpoint.Error{Code: endpoint.Aborted, Message: strings.Repeat("x", 2048)}); len(st.Message()) != 2048 {
		t.Errorf("of 2048 letters %d are sent", len(st.Message()))
	}
}

// headerBytes makes a call by hand and returns how many bytes of headers and trailers
// come back, not compressed, names included.
func headerBytes(t *testing.T, addr string) (size int) {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(within(t), http.MethodPost, "http://"+addr+"/dowel.grpckit.test.Echo/Say", strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("Grpc-Status")+resp.Trailer.Get("Grpc-Status") == "" {
		t.Fatalf("no status comes back: %v, %v", resp.Header, resp.Trailer)
	}
	for _, h := range []http.Header{resp.Header, resp.Trailer} {
		for key, values := range h {
			for _, value := range values {
				size += len(key) + len(value) + 32 // as HTTP/2 counts them
			}
		}
	}
	return size
}

func TestReadsWhatAnybodyMaySend(t *testing.T) {
	info := func(domain, reason string, mark string) *anypb.Any {
		a, _ := anypb.New(&errdetails.ErrorInfo{Domain: domain, Reason: reason, Metadata: map[string]string{"not_processed": mark}})
		return a
	}
	retry := func(d *durationpb.Duration) *anypb.Any {
		a, _ := anypb.New(&errdetails.RetryInfo{RetryDelay: d})
		return a
	}
	const own = "dowelkit.github.io"
	for _, tt := range []struct {
		name    string
		code    int32
		details []*anypb.Any
		want    endpoint.Error
	}{
		{"a code of the future", 99, nil, endpoint.Error{Code: endpoint.Unknown}},
		{"a negative code", -1, nil, endpoint.Error{Code: endpoint.Unknown}},
		{"a stranger's info", 5, []*anypb.Any{info("other", "R", "true")}, endpoint.Error{Code: endpoint.NotFound, Reason: "R"}},
		{"ours", 5, []*anypb.Any{info(own, "R", "true")}, endpoint.Error{Code: endpoint.NotFound, Reason: "R", Message: "text", NotProcessed: true}},
		{"ours after another", 5, []*anypb.Any{info("other", "S", ""), info(own, "R", "")}, endpoint.Error{Code: endpoint.NotFound, Reason: "R", Message: "text"}},
		{"ours before another", 5, []*anypb.Any{info(own, "R", ""), info("other", "S", "")}, endpoint.Error{Code: endpoint.NotFound, Reason: "R", Message: "text"}},
		{"an author's reason in ours", 5, []*anypb.Any{info("other", "S", ""), info(own, "", "")}, endpoint.Error{Code: endpoint.NotFound, Reason: "S", Message: "text"}},
		{"a delay", 8, []*anypb.Any{retry(durationpb.New(time.Minute))}, endpoint.Error{Code: endpoint.ResourceExhausted, RetryAfter: time.Minute}},
		{"a negative delay", 8, []*anypb.Any{retry(durationpb.New(-time.Minute))}, endpoint.Error{Code: endpoint.ResourceExhausted}},
		{"an absurd delay", 8, []*anypb.Any{retry(&durationpb.Duration{Seconds: 300_000_000_000})}, endpoint.Error{Code: endpoint.ResourceExhausted, RetryAfter: math.MaxInt64}},
		{"a malformed delay", 8, []*anypb.Any{retry(&durationpb.Duration{Seconds: math.MaxInt64})}, endpoint.Error{Code: endpoint.ResourceExhausted}},
		{"malformed details", 8, []*anypb.Any{
			{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte("\xff")},
			{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: []byte("\xff")},
			{TypeUrl: "what is this"}, {},
		}, endpoint.Error{Code: endpoint.ResourceExhausted}},
	} {
		err := grpckit.Error(status.FromProto(&spb.Status{Code: tt.code, Message: "text", Details: tt.details}))
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok {
			t.Errorf("%s: the error is %v", tt.name, err)
			continue
		}
		tt.want.Outgoing, tt.want.Err = true, e.Err
		if *e != tt.want {
			t.Errorf("%s: the error is %+v, want %+v", tt.name, *e, tt.want)
		}
	}
}

// What is sent arrives: a status read back says what Public says.
func FuzzStatus(f *testing.F) {
	f.Add(uint8(5), "no such thing", "GONE", int64(time.Second), true)
	f.Add(uint8(200), "\xff", "", int64(-1), false)
	f.Fuzz(func(t *testing.T, code uint8, message, reason string, after int64, mark bool) {
		sent := &endpoint.Error{
			Code: endpoint.Code(code), Message: message, Reason: reason,
			RetryAfter: time.Duration(after), NotProcessed: mark,
		}
		data, err := proto.Marshal(grpckit.Status(sent).Proto())
		if err != nil {
			t.Fatal(err)
		}
		var wire spb.Status
		if err := proto.Unmarshal(data, &wire); err != nil {
			t.Fatal(err)
		}
		got, ok := errors.AsType[*endpoint.Error](grpckit.Error(status.FromProto(&wire)))
		if !ok {
			t.Fatal("no error arrives")
		}
		want := endpoint.Public(sent)
		if got.Code != want.Code || got.RetryAfter != want.RetryAfter || got.NotProcessed != want.NotProcessed {
			t.Errorf("%+v arrives of %+v", got, want)
		}
		fit := func(s string, limit int) bool { return len(s)*3 <= limit && utf8.ValidString(s) }
		if fit(want.Message, 2048) && got.Message != want.Message || fit(reason, 512) && got.Reason != reason {
			t.Errorf("%q [%q] arrives of %q [%q]", got.Message, got.Reason, want.Message, reason)
		}
	})
}

// What comes in is whatever a stranger sends.
func FuzzError(f *testing.F) {
	data, _ := proto.Marshal(grpckit.Status(&endpoint.Error{Code: endpoint.Aborted, Reason: "R", RetryAfter: 1}).Proto())
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var wire spb.Status
		if proto.Unmarshal(data, &wire) != nil {
			return
		}
		err := grpckit.Error(status.FromProto(&wire))
		if (err == nil) != (wire.GetCode() == 0) {
			t.Fatalf("the error is %v of code %d", err, wire.GetCode())
		}
		if e, ok := errors.AsType[*endpoint.Error](err); ok && (e.RetryAfter < 0 || !e.Outgoing || e.Code > endpoint.Unauthenticated) {
			t.Errorf("the error is %+v", e)
		}
	})
}
