package endpoint

import (
	"slices"
	"strings"
)

// check panics if there are faults. One message names them all, so that a wrong
// call is put right in one go.
func check(function string, faults ...string) {
	faults = slices.DeleteFunc(faults, func(fault string) bool { return fault == "" })
	if len(faults) > 0 {
		panic("endpoint: " + function + ": " + strings.Join(faults, "; "))
	}
}

func when(wrong bool, fault string) string {
	if wrong {
		return fault
	}
	return ""
}
