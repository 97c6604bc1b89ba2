package httpkit

import (
	"fmt"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

// faults is everything that is wrong with one request, in words for its caller.
type faults []error

func (f faults) Error() string {
	texts := make([]string, len(f))
	for i, err := range f {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (f faults) Unwrap() []error { return f }

// err returns nil, or an InvalidArgument that tells the caller every fault.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &endpoint.Error{Code: endpoint.InvalidArgument, Message: f.Error(), Err: f}
}

// maxQuoted bounds, in bytes, what a message repeats of the caller's own words.
const maxQuoted = 64

// quote returns a name that the caller chose, for a message to it.
func quote(name string) string {
	if len(name) > maxQuoted {
		return fmt.Sprintf("%q…", name[:maxQuoted])
	}
	return fmt.Sprintf("%q", name)
}
