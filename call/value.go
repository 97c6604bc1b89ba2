package call

import (
	"iter"
	"slices"
	"strings"
)

// values are what the user attached, sorted by key. A list is never written to
// once a call has it, so calls share it. It is searched from end to end: calls
// have a handful of values, and a map costs more than that to make.
type values []value

type value struct {
	field
	text string
}

// Value sets a key of the user's own, which travels with the call from hop to
// hop: every client transport sends it on, every server keeps it if its
// [Propagator] allows the key. Keys are compared without regard to the case of
// ASCII letters. An empty value removes the key.
//
// A value that the other side would not believe is kept in this process but not
// sent: see [Propagator.Extract]. The same goes for a key that is no header name
// and for one that this package sends itself, such as [RequestIDKey].
func Value(key, text string) Option {
	f := fieldOf(key)
	return func(c *Call) { c.values = c.values.set(value{f, text}) }
}

// Value returns the value of a key of the user's own, or "".
func (c *Call) Value(key string) string {
	if c == nil {
		return ""
	}
	for i := range c.values {
		if equalKeys(c.values[i].key, key) {
			return c.values[i].text
		}
	}
	return ""
}

// Values returns the keys of the user's own in lower case, sorted, with their
// values.
func (c *Call) Values() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c == nil {
			return
		}
		for _, v := range c.values {
			if !yield(v.key, v.text) {
				return
			}
		}
	}
}

// set returns a copy of the list with one value changed.
func (vs values) set(v value) values {
	at, found := slices.BinarySearchFunc(vs, v.key, func(v value, key string) int {
		return strings.Compare(v.key, key)
	})
	after := at
	if found {
		after++
	}
	next := make(values, 0, len(vs)+1)
	next = append(next, vs[:at]...)
	if v.text != "" {
		next = append(next, v)
	}
	return append(next, vs[after:]...)
}
