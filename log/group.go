package log

import (
	"log/slog"
	"slices"
)

// group is a group that WithGroup opened, with the attributes given to it since.
//
// The next handler never hears of it: once a handler has a group open, nothing
// can be put outside of it. So the groups are kept here and become attributes of
// the record, which slog defines to be the same.
type group struct {
	name  string
	attrs []slog.Attr
}

// nest returns the record with its attributes within the groups. Nothing of it is
// reused, since a handler may keep the record.
func nest(groups []group, r slog.Record) slog.Record {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, g := range slices.Backward(groups) {
		attrs = []slog.Attr{{Key: g.name, Value: slog.GroupValue(slices.Concat(g.attrs, attrs)...)}}
	}
	nested := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	nested.AddAttrs(attrs...)
	return nested
}
