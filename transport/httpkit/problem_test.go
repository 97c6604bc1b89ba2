package httpkit_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// crossed returns what a caller reads of err.
func crossed(t testing.TB, err error) (*endpoint.Error, *http.Response) {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := httpkit.WriteProblem(rec, err); err != nil {
		t.Fatalf("the problem is not written: %v", err)
	}
	return httpkit.ReadProblem(rec.Result(), rec.Body.Bytes()), rec.Result()
}

func TestProblemCrossesTheWire(t *testing.T) {
	for code := endpoint.Canceled; code <= endpoint.Unauthenticated; code++ {
		sent := &endpoint.Error{
			Code: code, Message: "to the caller", Reason: "WHY", RetryAfter: 1500 * time.Millisecond,
			NotProcessed: true, Err: errors.New("secret"),
		}
		got, resp := crossed(t, sent)
		want := *endpoint.Public(sent)
		want.Outgoing = true
		if *got != want {
			t.Errorf("%v: read %+v, want %+v", code, *got, want)
		}
		if resp.StatusCode != httpkit.StatusOfCode(code) {
			t.Errorf("%v: status %d, want %d", code, resp.StatusCode, httpkit.StatusOfCode(code))
		}
		if got := resp.Header.Get("Retry-After"); got != "2" {
			t.Errorf("%v: Retry-After is %q, want 1.5 s rounded up", code, got)
		}
	}
}

func TestProblemTellsNothingInternal(t *testing.T) {
	for _, err := range []error{
		errors.New("secret"),
		&endpoint.Error{Code: endpoint.Internal, Err: errors.New("secret"), Instance: "secret"},
		&endpoint.Error{Code: 99, Err: errors.New("secret")},
		httpkit.WithStatus(errors.New("secret"), 502),
	} {
		rec := httptest.NewRecorder()
		if err := httpkit.WriteProblem(rec, err); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%#v leaks: %s", err, rec.Body)
		}
		if got := httpkit.ReadProblem(rec.Result(), rec.Body.Bytes()); got.Code != endpoint.Internal {
			t.Errorf("%#v is read as %v, want internal", err, got)
		}
	}
}

func TestProblemTakesOverTheHeaders(t *testing.T) {
	rec := httptest.NewRecorder()
	for _, key := range []string{"Content-Encoding", "ETag", "Last-Modified", "Cache-Control", "Location"} {
		rec.Header().Set(key, "of the answer that failed")
	}
	if err := httpkit.WriteProblem(rec, httpkit.WithStatus(errors.New("x"), 422)); err != nil {
		t.Fatal(err)
	}
	for key, values := range rec.Header() {
		if strings.Contains(strings.Join(values, ""), "failed") {
			t.Errorf("%s is still there", key)
		}
	}
	if rec.Code != 422 || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got status %d, type %q", rec.Code, rec.Header().Get("Content-Type"))
	}
}

func TestReadForeignAnswer(t *testing.T) {
	const html = "<html>nginx/1.2 at 10.0.0.7</html>"
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		want   endpoint.Code
		after  time.Duration
	}{
		{"html", 502, http.Header{"Content-Type": {"text/html"}}, html, endpoint.Unavailable, 0},
		{"plain", 404, nil, "no such page", endpoint.NotFound, 0},
		{"empty", 500, nil, "", endpoint.Internal, 0},
		{"gateway", 409, http.Header{"Content-Type": {"application/json"}}, `{"code":5,"message":"m"}`, endpoint.Aborted, 0},
		{"problem of a stranger", 403, http.Header{"Content-Type": {"application/problem+json"}},
			`{"title":"t","detail":"d"}`, endpoint.PermissionDenied, 0},
		{"problem with the code ok", 500, http.Header{"Content-Type": {"application/problem+json"}},
			`{"code":"ok"}`, endpoint.Internal, 0},
		{"broken problem", 429, http.Header{"Content-Type": {"application/problem+json"}, "Retry-After": {"3"}},
			`{"code":`, endpoint.ResourceExhausted, 3 * time.Second},
		{"a date", 503, http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:15 GMT"}, "Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}},
			"", endpoint.Unavailable, 10 * time.Second},
		{"a date that is past", 503, http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, "", endpoint.Unavailable, 0},
		{"for ever", 503, http.Header{"Retry-After": {"9223372036854775807"}}, "", endpoint.Unavailable, 1<<63 - 1},
		{"nonsense", 503, http.Header{"Retry-After": {"-1"}}, "", endpoint.Unavailable, 0},
		{"a success", 200, nil, "", endpoint.Unknown, 0},
		{"a redirect", 302, nil, "", endpoint.Unknown, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := httpkit.ReadProblem(&http.Response{StatusCode: test.status, Header: test.header}, []byte(test.body))
			if got.Code != test.want || got.RetryAfter != test.after {
				t.Errorf("got %v after %v, want %v after %v", got.Code, got.RetryAfter, test.want, test.after)
			}
			if got.Message != httpkit.Neutral(test.want) {
				t.Errorf("the message %q is not neutral", got.Message)
			}
			if got.Err == nil {
				t.Error("what was answered is lost")
			}
		})
	}
}

func TestReadForeignAnswerIsBounded(t *testing.T) {
	got := httpkit.ReadProblem(&http.Response{StatusCode: 500}, []byte(strings.Repeat("\x00é", 1<<20)))
	if n := len(got.Error()); n > 4096 {
		t.Errorf("the error is %d bytes long", n)
	}
}

func TestCodesComeBackFromStatus(t *testing.T) {
	for status, want := range map[int]endpoint.Code{
		200: endpoint.OK, 204: endpoint.OK, 304: endpoint.Unknown,
		400: endpoint.InvalidArgument, 401: endpoint.Unauthenticated, 403: endpoint.PermissionDenied,
		404: endpoint.NotFound, 405: endpoint.Unimplemented, 408: endpoint.DeadlineExceeded,
		409: endpoint.Aborted, 410: endpoint.NotFound, 412: endpoint.FailedPrecondition,
		413: endpoint.InvalidArgument, 415: endpoint.InvalidArgument, 422: endpoint.InvalidArgument,
		429: endpoint.ResourceExhausted, 499: endpoint.Canceled, 500: endpoint.Internal,
		501: endpoint.Unimplemented, 502: endpoint.Unavailable, 503: endpoint.Unavailable,
		504: endpoint.DeadlineExceeded, 599: endpoint.Internal,
	} {
		if got := httpkit.CodeOfStatus(status); got != want {
			t.Errorf("status %d is %v, want %v", status, got, want)
		}
	}
}

func FuzzProblem(f *testing.F) {
	f.Add(uint8(5), "gone", "GONE", int64(time.Second), true)
	f.Add(uint8(200), "\xff\u2028", "\x00", int64(-1), false)
	f.Add(uint8(0), "", "", int64(1<<63-1), false)
	f.Fuzz(func(t *testing.T, code uint8, message, reason string, after int64, notProcessed bool) {
		sent := &endpoint.Error{
			Code: endpoint.Code(code), Message: message, Reason: reason,
			RetryAfter: time.Duration(after), NotProcessed: notProcessed,
		}
		want := *endpoint.Public(sent)
		want.Message = strings.ToValidUTF8(want.Message, "\ufffd")
		got, _ := crossed(t, sent)
		if got.Code != want.Code || got.NotProcessed != want.NotProcessed {
			t.Errorf("read %+v, want %+v", *got, want)
		}
		if strings.ToValidUTF8(message, "") == message && got.Message != want.Message {
			t.Errorf("read the message %q, want %q", got.Message, want.Message)
		}
		if strings.ToValidUTF8(reason, "") == reason && got.Reason != want.Reason {
			t.Errorf("read the reason %q, want %q", got.Reason, want.Reason)
		}
		wait := max(0, want.RetryAfter)
		if late := got.RetryAfter - wait; late < 0 || late >= time.Millisecond {
			t.Errorf("wait %v, want %v", got.RetryAfter, wait)
		}
	})
}

func FuzzReadProblem(f *testing.F) {
	f.Add(503, "application/problem+json", "1", `{"code":"unavailable","retry_after_ms":1}`)
	f.Add(500, "application/problem+json; charset=x", "Mon, 02 Jan 2006 15:04:05 GMT", `{"code":"ok"}`)
	f.Add(404, "text/html", "", "<html>")
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, body string) {
		got := httpkit.ReadProblem(&http.Response{StatusCode: status, Header: http.Header{
			"Content-Type": {contentType}, "Retry-After": {retryAfter},
		}}, []byte(body))
		if got.Code == endpoint.OK || got.Code > endpoint.Unauthenticated || got.RetryAfter < 0 || !got.Outgoing {
			t.Fatalf("read %+v", *got)
		}
		// An error that was read is one of ours: it crosses once more unchanged.
		got.Outgoing, got.Err = false, nil
		again, _ := crossed(t, got)
		if again.Code != got.Code || again.NotProcessed != got.NotProcessed || again.Reason != got.Reason {
			t.Errorf("read %+v, then %+v", *got, *again)
		}
	})
}
