package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

func TestPublic(t *testing.T) {
	secret := errors.New("dial postgres://admin:hunter2@10.0.0.7")
	refusal := &endpoint.Error{Code: endpoint.ResourceExhausted, NotProcessed: true, Local: true, RetryAfter: time.Second}
	for _, tt := range []struct {
		name string
		err  error
		want endpoint.Error
	}{
		{"plain", secret, endpoint.Error{Code: endpoint.Internal, Message: "internal error"}},
		{"cancelled", context.Canceled, endpoint.Error{Code: endpoint.Canceled, Message: "the call was canceled"}},
		{"late", context.DeadlineExceeded, endpoint.Error{Code: endpoint.DeadlineExceeded, Message: "the deadline is exceeded"}},
		{"no code", &endpoint.Error{Err: secret}, endpoint.Error{Code: endpoint.Internal, Message: "internal error"}},
		{"no code, a message", &endpoint.Error{Message: "sorry"}, endpoint.Error{Code: endpoint.Internal, Message: "sorry"}},
		{"a number that is no code", &endpoint.Error{Code: 99}, endpoint.Error{Code: endpoint.Internal, Message: "internal error"}},
		{"Unknown, chosen", &endpoint.Error{Code: endpoint.Unknown}, endpoint.Error{Code: endpoint.Unknown, Message: "unknown error"}},
		{
			"all that travels",
			&endpoint.Error{Code: endpoint.Aborted, Message: "m", Reason: "R", RetryAfter: time.Minute, Instance: "db1", Err: secret},
			endpoint.Error{Code: endpoint.Aborted, Message: "m", Reason: "R", RetryAfter: time.Minute},
		},
		{"negative wait", &endpoint.Error{Code: endpoint.Aborted, Message: "m", RetryAfter: -1}, endpoint.Error{Code: endpoint.Aborted, Message: "m"}},
		{
			"refused here", refusal,
			endpoint.Error{Code: endpoint.ResourceExhausted, Message: "too many calls", NotProcessed: true, RetryAfter: time.Second},
		},
		{
			"refused by the service itself",
			&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Message: "warming up"},
			endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Message: "warming up"},
		},
		{
			"refused by another server",
			&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Outgoing: true, Message: "draining"},
			endpoint.Error{Code: endpoint.Unavailable, Message: "draining"},
		},
		{"a panic", &endpoint.Error{Code: endpoint.Internal, Err: &endpoint.PanicError{Value: secret}}, endpoint.Error{Code: endpoint.Internal, Message: "internal error"}},
	} {
		for how, wrap := range wrappers {
			if got := endpoint.Public(wrap(tt.err)); *got != tt.want {
				t.Errorf("%s, %s: got %+v, want %+v", tt.name, how, *got, tt.want)
			}
		}
	}
	if got := endpoint.Public(nil); got != nil {
		t.Errorf("Public(nil) = %v", got)
	}
	half := errors.Join(refusal, &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Outgoing: true})
	if endpoint.Public(half).NotProcessed {
		t.Error("a call that was begun here is reported as not processed")
	}
}

// Every code has a neutral text of its own, and none leaks through it.
func TestPublicNeutral(t *testing.T) {
	seen := map[string]endpoint.Code{}
	for code := range everyCode {
		pub := endpoint.Public(&endpoint.Error{Code: code, Err: errors.New("secret")})
		if other, dup := seen[pub.Message]; dup || pub.Message == "" || pub.Code != code {
			t.Errorf("%v goes out as %v %q, like %v", code, pub.Code, pub.Message, other)
		}
		seen[pub.Message] = code
	}
}

// The law is stronger than a search for the text: what goes out is the same
// whatever the cause, the instance and the wrapping say.
func FuzzPublic(f *testing.F) {
	f.Add(uint8(5), "no such book", "GONE", "db1", "select failed", int64(time.Second), true, true, false)
	f.Add(uint8(0), "", "", "", "password=hunter2", int64(-1), true, false, true)
	f.Add(uint8(200), "", "", "10.0.0.7:80", "internal error", int64(0), false, false, true)
	f.Fuzz(func(t *testing.T, code uint8, message, reason, instance, cause string, wait int64, notProcessed, local, outgoing bool) {
		open := endpoint.Error{
			Code: endpoint.Code(code), Message: message, Reason: reason,
			RetryAfter: time.Duration(wait), NotProcessed: notProcessed, Local: local, Outgoing: outgoing,
		}
		full := open
		full.Instance, full.Err = instance, errors.New(cause)

		want, got := endpoint.Public(&open), endpoint.Public(fmt.Errorf("%s: %w", cause, &full))
		if *got != *want {
			t.Errorf("the cause changes what goes out: %+v, without it %+v", *got, *want)
		}
		if got.Err != nil || got.Instance != "" || got.Local || got.Outgoing {
			t.Errorf("it goes out with %+v", *got)
		}
		if outgoing && got.NotProcessed {
			t.Error("what another server did not process is promised for this one")
		}
		if plain := endpoint.Public(errors.New(cause)); *plain != *endpoint.Public(errors.New("")) {
			t.Errorf("a plain error goes out as %+v", *plain)
		}
	})
}
