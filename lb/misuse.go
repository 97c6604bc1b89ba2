package lb

import (
	"errors"
	"fmt"
	"strings"
)

// configure applies the options to what a constructor makes. It panics, naming
// them all, if an option is nil or out of range, or if there are faults already.
func configure[T any, O ~func(T) error](function string, made T, opts []O, faults []error) {
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(made))
	}
	refuse(function, faults)
}

// refuse panics if there is a fault.
func refuse(function string, faults []error) {
	if err := errors.Join(faults...); err != nil {
		panic("lb: " + function + ": " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
