package etcd

import (
	"fmt"
	"strings"
)

// misuse collects what a programmer did wrong with the arguments of a constructor.
type misuse []string

func (m *misuse) add(bad bool, format string, args ...any) {
	if bad {
		*m = append(*m, fmt.Sprintf(format, args...))
	}
}

// apply calls the options. One that is nil is a fault.
func apply[S any, O ~func(*S)](m *misuse, settings *S, opts []O) {
	for i, opt := range opts {
		if opt == nil {
			m.add(true, "option %d is nil", i+1)
			continue
		}
		opt(settings)
	}
}

// refuse panics if there is a fault, and names all.
func (m *misuse) refuse(function string) {
	if len(*m) > 0 {
		panic("etcd: " + function + ": " + strings.Join(*m, "; "))
	}
}
