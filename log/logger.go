package log

import (
	"fmt"
	"log/slog"
	"os"
)

// New returns a logger whose records carry the attributes of their call, as
// [NewHandler] describes. It writes JSON to standard output, from level Info on.
// Handlers given to New replace that; each of several gets every record that it
// is enabled for. New panics if a handler is nil.
func New(handlers ...slog.Handler) *slog.Logger {
	var faults []error
	for i, h := range handlers {
		if h == nil {
			faults = append(faults, fmt.Errorf("handler %d is nil", i))
		}
	}
	check("New", faults)
	switch len(handlers) {
	case 0:
		return slog.New(NewHandler(slog.NewJSONHandler(os.Stdout, nil)))
	case 1:
		return slog.New(NewHandler(handlers[0]))
	}
	return slog.New(NewHandler(slog.NewMultiHandler(handlers...)))
}
