package log

import (
	"log/slog"
	"slices"
)

// unique appends to all those of its attributes whose name is not taken at the top
// level, by the record, by With or by one before it. What a handler would inline
// is inlined here, so that its names count.
func (h *Handler) unique(all []slog.Attr, r slog.Record) (with, added []slog.Attr) {
	start := len(all)
	with = h.appendUnique(all, start, all, r)
	return with, with[start:]
}

func (h *Handler) appendUnique(to []slog.Attr, start int, attrs []slog.Attr, r slog.Record) []slog.Attr {
	for _, a := range attrs {
		switch {
		case inlined(a):
			to = h.appendUnique(to, start, a.Value.Group(), r)
		case !h.taken(a.Key, r) && !has(to[start:], a.Key):
			to = append(to, a)
		}
	}
	return to
}

// taken reports whether the user has put the name at the top level.
func (h *Handler) taken(key string, r slog.Record) (found bool) {
	if slices.Contains(h.keys, key) {
		return true
	}
	r.Attrs(func(a slog.Attr) bool {
		found = hasKey(a, key)
		return !found
	})
	return found
}

func has(attrs []slog.Attr, key string) bool {
	for i := range attrs {
		if hasKey(attrs[i], key) {
			return true
		}
	}
	return false
}

func hasKey(a slog.Attr, key string) bool {
	if inlined(a) {
		return has(a.Value.Group(), key)
	}
	return a.Key == key
}

// inlined reports whether a handler puts the members of a where a stands.
func inlined(a slog.Attr) bool { return a.Key == "" && a.Value.Kind() == slog.KindGroup }

func appendKeys(keys []string, attrs []slog.Attr) []string {
	for _, a := range attrs {
		if inlined(a) {
			keys = appendKeys(keys, a.Value.Group())
		} else {
			keys = append(keys, a.Key)
		}
	}
	return keys
}
