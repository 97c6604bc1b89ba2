package log

import (
	"errors"
	"strings"
)

// check panics if there are faults, in one message that names them all.
func check(function string, faults []error) {
	if err := errors.Join(faults...); err != nil {
		panic("log: " + function + ": " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
