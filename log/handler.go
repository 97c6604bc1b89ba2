package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// Handler is a slog.Handler that adds attributes to each record and passes it on:
// those of the call that the record's context belongs to, and those of its
// adders. It is immutable and safe for concurrent use if the handler that it
// passes records to is, as slog demands. Its zero value is not valid; use
// [NewHandler].
type Handler struct {
	next   slog.Handler
	adders []Adder
	keys   []string // the top-level names that With gave
	groups []group  // the open ones, outermost first; next knows nothing of them
	spare  *sync.Pool
}

// NewHandler returns a handler that adds [RequestIDKey], [CorrelationIDKey] and
// [RetriesKey] of the call to every record made with its context, then what the
// adders say, and passes the record to next.
//
// What is added stands at the top level, whatever groups the logger has opened
// since. No name is added twice: of several attributes the first counts, and one
// that the user gave to the record or to With comes before any. If next is a
// *Handler, the result is that handler with more adders.
//
// The slice is copied. NewHandler panics if next or an adder is nil.
func NewHandler(next slog.Handler, adders ...Adder) *Handler {
	var faults []error
	if next == nil {
		faults = append(faults, errors.New("the handler is nil"))
	}
	for i, add := range adders {
		if add == nil {
			faults = append(faults, fmt.Errorf("adder %d is nil", i))
		}
	}
	check("NewHandler", faults)
	if inner, ok := next.(*Handler); ok {
		h := *inner
		h.adders = slices.Concat(inner.adders, adders)
		return &h
	}
	return &Handler{next: next, adders: slices.Clone(adders), spare: newSpare()}
}

// Enabled reports whether the next handler is enabled for the level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes a copy of the record with the added attributes to the next
// handler, and returns that one's error.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if len(h.groups) == 0 {
		r = r.Clone()
	} else {
		r = nest(h.groups, r)
	}
	buffer := h.spare.Get().(*[]slog.Attr)
	all, added := h.unique(h.gather(ctx, (*buffer)[:0]), r)
	r.AddAttrs(added...)
	clear(all) // keep nothing of the call alive
	*buffer = all
	h.spare.Put(buffer)
	return h.next.Handle(ctx, r)
}

// WithAttrs returns a handler that puts attrs on every record, within the groups
// that are open.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	with := *h
	if last := len(h.groups) - 1; last >= 0 {
		with.groups = slices.Clone(h.groups)
		with.groups[last].attrs = slices.Concat(h.groups[last].attrs, attrs)
		return &with
	}
	with.keys = appendKeys(slices.Clone(h.keys), attrs)
	with.next = h.next.WithAttrs(attrs) // the next one owns the slice from here on
	return &with
}

// WithGroup returns a handler that puts what comes after into the group. An empty
// name changes nothing.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.groups = append(slices.Clip(h.groups), group{name: name})
	return &with
}
