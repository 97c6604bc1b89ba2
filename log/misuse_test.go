package log_test

import (
	"log/slog"
	"testing"

	"github.com/dowelkit/dowel/log"
)

func TestCallsNamesAllFaultsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func()
		want string
	}{
		{"Calls", func() { log.Calls[int, int](nil, nil, "", nil, log.Levels(nil)) },
			"log: Calls: next is nil; the logger is nil; the method is empty; option 1 is nil; the function for levels is nil"},
		{"New", func() { log.New(nil, slog.DiscardHandler, nil) }, "log: New: handler 0 is nil; handler 2 is nil"},
		{"NewHandler", func() { log.NewHandler(nil, nil) }, "log: NewHandler: the handler is nil; adder 0 is nil"},
	} {
		func() {
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("%s: the panic is %v, want %q", tt.name, got, tt.want)
				}
			}()
			tt.make()
		}()
	}
}
