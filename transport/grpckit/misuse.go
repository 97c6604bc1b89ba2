package grpckit

import (
	"errors"
	"fmt"
	"strings"
)

// refuse panics with all faults in one line.
func refuse(function string, faults ...error) {
	if err := errors.Join(faults...); err != nil {
		panic("grpckit: " + function + ": " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
