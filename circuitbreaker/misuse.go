package circuitbreaker

import (
	"errors"
	"strings"
)

// check panics if there are faults. One message names them all, so that a wrong
// call is put right in one go.
func check(function string, faults ...error) {
	var texts []string
	for _, fault := range faults {
		if fault != nil {
			texts = append(texts, strings.ReplaceAll(fault.Error(), "\n", "; "))
		}
	}
	if len(texts) > 0 {
		panic("circuitbreaker: " + function + ": " + strings.Join(texts, "; "))
	}
}

func when(wrong bool, fault string) error {
	if wrong {
		return errors.New(fault)
	}
	return nil
}

// none reports whether there is no breaker: nil, or a nil pointer of this package's
// types. What one of a user's own type can do is for the user to know.
func none(breaker Breaker) bool {
	switch b := breaker.(type) {
	case nil:
		return true
	case *Circuit:
		return b == nil
	case *Throttler:
		return b == nil
	}
	return false
}
