package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
)

// grpcNames are the names of the gRPC specification, by number. Ours are the same
// in lower case, but for the spelling of CANCELLED.
var grpcNames = []string{
	"OK", "CANCELED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// everyCode yields the sixteen codes of an error.
func everyCode(yield func(endpoint.Code) bool) {
	for c := endpoint.Canceled; c <= endpoint.Unauthenticated; c++ {
		if !yield(c) {
			return
		}
	}
}

func TestCodeText(t *testing.T) {
	for n, name := range grpcNames {
		code := endpoint.Code(n)
		if got, want := code.String(), strings.ToLower(name); got != want {
			t.Errorf("Code(%d) is named %q, want %q", n, got, want)
		}
		if got, err := endpoint.ParseCode(name); got != code || err != nil {
			t.Errorf("ParseCode(%q) = %v, %v, want %v", name, got, err, code)
		}
		text, err := json.Marshal(map[string]endpoint.Code{"code": code})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]endpoint.Code
		if err := json.Unmarshal(text, &back); err != nil || back["code"] != code {
			t.Errorf("%s comes back as %v, %v", text, back["code"], err)
		}
	}
}

func TestCodeThatIsNone(t *testing.T) {
	const none = endpoint.Unauthenticated + 1
	if got := none.String(); got != "code(17)" {
		t.Errorf("String is %q", got)
	}
	if text, err := none.MarshalText(); err == nil {
		t.Errorf("MarshalText gives %q", text)
	}
	if got := endpoint.CodeOf(&endpoint.Error{Code: none}); got != endpoint.Unknown {
		t.Errorf("CodeOf gives %v", got)
	}
	for _, name := range []string{"", "okay", "not found", " ok", "17", "o\u212a", strings.Repeat("x", 1<<20)} {
		code := endpoint.Aborted
		err := code.UnmarshalText([]byte(name))
		if err == nil || code != endpoint.Aborted {
			t.Errorf("%.20q is read as %v, %v", name, code, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("the error repeats %d bytes of hostile input", len(err.Error()))
		}
	}
}

func FuzzParseCode(f *testing.F) {
	for _, name := range grpcNames {
		f.Add(name)
		f.Add(strings.ToLower(name))
	}
	f.Add("o\u212a")
	f.Fuzz(func(t *testing.T, name string) {
		code, err := endpoint.ParseCode(name)
		known := false
		for _, n := range grpcNames {
			known = known || strings.ToUpper(name) == n && len(name) == len(n)
		}
		switch {
		case known != (err == nil):
			t.Errorf("ParseCode(%q) fails with %v", name, err)
		case err == nil && code.String() != strings.ToLower(name):
			t.Errorf("ParseCode(%q) is %v", name, code)
		case err != nil && code != endpoint.Unknown:
			t.Errorf("ParseCode(%q) fails and is %v", name, code)
		}
	})
}

func TestCodeOf(t *testing.T) {
	if got := endpoint.CodeOf(nil); got != endpoint.OK {
		t.Errorf("CodeOf(nil) = %v", got)
	}
	plain := map[error]endpoint.Code{
		errors.New("boom"):          endpoint.Unknown,
		context.Canceled:            endpoint.Canceled,
		context.DeadlineExceeded:    endpoint.DeadlineExceeded,
		&endpoint.Error{}:           endpoint.Unknown,
		&endpoint.Error{Code: 0xff}: endpoint.Unknown,
		&endpoint.Error{Code: endpoint.NotFound, Err: context.Canceled}:                          endpoint.NotFound,
		&endpoint.Error{Code: endpoint.Aborted, Err: &endpoint.Error{Code: endpoint.OutOfRange}}: endpoint.Aborted,
		errors.Join(context.Canceled, &endpoint.Error{Code: endpoint.DataLoss}):                  endpoint.DataLoss,
	}
	for code := range everyCode {
		plain[&endpoint.Error{Code: code}] = code
	}
	for err, want := range plain {
		for how, wrap := range wrappers {
			if got := endpoint.CodeOf(wrap(err)); got != want {
				t.Errorf("%s: CodeOf(%v) = %v, want %v", how, err, got, want)
			}
		}
	}
}
