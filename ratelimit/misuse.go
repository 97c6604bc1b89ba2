package ratelimit

import (
	"errors"
	"strings"

	"golang.org/x/time/rate"
)

// check panics if there are faults. One message names them all, so that a wrong
// call is put right in one go.
func check(function string, faults ...error) {
	var texts []string
	for _, fault := range faults {
		if fault != nil {
			texts = append(texts, fault.Error())
		}
	}
	if len(texts) > 0 {
		panic("ratelimit: " + function + ": " + strings.Join(texts, "; "))
	}
}

func when(wrong bool, fault string) error {
	if wrong {
		return errors.New(fault)
	}
	return nil
}

// none reports whether there is no limiter: nil, or a nil pointer of a type that needs
// more. What a nil pointer of a user's own type can do is for the user to know.
func none(limiter any) bool {
	switch l := limiter.(type) {
	case nil:
		return true
	case *rate.Limiter:
		return l == nil
	case *Queue:
		return l == nil
	}
	return false
}
