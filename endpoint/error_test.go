package endpoint_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// wrappers are the ways in which errors get wrapped that must change no verdict.
var wrappers = map[string]func(error) error{
	"bare":          func(err error) error { return err },
	"fmt.Errorf":    func(err error) error { return fmt.Errorf("while saving: %w", err) },
	"two verbs":     func(err error) error { return fmt.Errorf("%w, and again: %w", err, err) },
	"errors.Join":   func(err error) error { return errors.Join(nil, err) },
	"url.Error":     func(err error) error { return &url.Error{Op: "Get", URL: "http://x/", Err: err} },
	"own type":      func(err error) error { return wrapped{err} },
	"all of them":   func(err error) error { return wrapped{errors.Join(fmt.Errorf("%w", &url.Error{Err: err}))} },
	"PanicError":    func(err error) error { return &endpoint.PanicError{Value: err} },
	"own list type": func(err error) error { return list{err, nil} },
}

type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }

// list holds a nil, which errors.As steps over.
type list []error

func (l list) Error() string   { return "several" }
func (l list) Unwrap() []error { return l }

// declined presents itself as an *endpoint.Error by its As method.
type declined struct{ as *endpoint.Error }

func (declined) Error() string { return "declined" }
func (d declined) As(target any) bool {
	e, ok := target.(**endpoint.Error)
	if ok {
		*e = d.as
	}
	return ok
}

func TestErrorText(t *testing.T) {
	cause := errors.New("row 7 is locked")
	for _, tt := range []struct {
		err  *endpoint.Error
		want string
	}{
		{&endpoint.Error{}, "unknown"},
		{&endpoint.Error{Code: endpoint.NotFound}, "not_found"},
		{&endpoint.Error{Code: endpoint.NotFound, Message: "no such book"}, "not_found: no such book"},
		{&endpoint.Error{Code: endpoint.Aborted, Err: cause}, "aborted: row 7 is locked"},
		{&endpoint.Error{Code: endpoint.Aborted, Message: "row 7 is locked", Err: cause}, "aborted: row 7 is locked"},
		{
			&endpoint.Error{Code: endpoint.Aborted, Reason: "LOCKED", Message: "try later", Instance: "db1", Err: cause},
			"aborted [LOCKED]: try later (instance db1): row 7 is locked",
		},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestErrorIs(t *testing.T) {
	const notFound, aborted = endpoint.NotFound, endpoint.Aborted
	for _, tt := range []struct {
		name        string
		err, target error
		want        bool
	}{
		{"same code and message", &endpoint.Error{Code: notFound, Message: "a"}, &endpoint.Error{Code: notFound, Message: "a"}, true},
		{"other message", &endpoint.Error{Code: notFound, Message: "a"}, &endpoint.Error{Code: notFound, Message: "b"}, false},
		{"other code", &endpoint.Error{Code: aborted, Message: "a"}, &endpoint.Error{Code: notFound, Message: "a"}, false},
		{"reason outweighs message", &endpoint.Error{Code: notFound, Reason: "R", Message: "a"}, &endpoint.Error{Code: notFound, Reason: "R"}, true},
		{"reason and other code", &endpoint.Error{Code: aborted, Reason: "R"}, &endpoint.Error{Code: notFound, Reason: "R"}, false},
		{"only one has a reason", &endpoint.Error{Code: notFound, Reason: "R"}, &endpoint.Error{Code: notFound}, false},
		{"neutral message", &endpoint.Error{Code: notFound, Message: "not found"}, &endpoint.Error{Code: notFound}, true},
		{"zero is Unknown", &endpoint.Error{}, &endpoint.Error{Code: endpoint.Unknown}, true},
		{"instance and cause do not count", &endpoint.Error{Code: notFound, Instance: "i", Err: errors.ErrUnsupported}, &endpoint.Error{Code: notFound}, true},
		{"the cause is found", &endpoint.Error{Code: notFound, Err: errors.ErrUnsupported}, errors.ErrUnsupported, true},
		{"another type", &endpoint.Error{Code: notFound}, errors.ErrUnsupported, false},
	} {
		for how, wrap := range wrappers {
			if got := errors.Is(wrap(tt.err), tt.target); got != tt.want {
				t.Errorf("%s, %s: got %v", tt.name, how, got)
			}
		}
	}
}

// A service's own errors are found again by a client that only got their public
// part: whatever was said of them, in whatever code.
func TestErrorIsFoundAfterTheWire(t *testing.T) {
	for code := range everyCode {
		for _, own := range []*endpoint.Error{
			{Code: code},
			{Code: code, Message: "out of stock"},
			{Code: code, Reason: "OUT_OF_STOCK"},
			{Code: code, Reason: "OUT_OF_STOCK", Message: "out of stock", RetryAfter: time.Second},
		} {
			thrown := fmt.Errorf("order 12: %w", own)
			if received := endpoint.Public(thrown); !errors.Is(received, own) {
				t.Errorf("%v is not found in %v", own, received)
			}
		}
	}
}
