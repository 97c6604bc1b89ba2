package call

import (
	"slices"
	"strings"
)

// field is a key that a value of the user's own has, and what may be believed of
// that value.
type field struct {
	key   string // in lower case, for comparison
	name  string // in the form "X-Request-Id", which HTTP takes without a copy
	limit int    // the bytes that may travel; 0 if it does not travel at all
}

// The keys that this package writes from something other than a value.
var ownKeys = []string{
	lower(RequestIDKey), lower(CorrelationIDKey), lower(TimeoutKey), lower(PriorityKey), lower(RetriesKey),
}

var traceKeys = []string{lower(TraceparentKey), lower(TracestateKey), lower(BaggageKey)}

func fieldOf(key string) field {
	key = lower(key)
	f := field{key: key, name: titled(key)}
	switch {
	case slices.Contains(traceKeys, key):
		f.limit = MaxTraceLen
	case validKey(key) && !slices.Contains(ownKeys, key):
		f.limit = MaxValueLen
	}
	return f
}

// validKey reports whether key is a token of RFC 9110, section 5.6.2.
func validKey(key string) bool {
	if key == "" || len(key) > MaxIDLen {
		return false
	}
	for _, b := range []byte(key) {
		alnum := '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return true
}

// Keys fold in ASCII only: by Unicode's rules a letter that no header name may
// have would fold to one that it may.

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func lower(key string) string {
	b := []byte(key)
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

// titled writes the first letter of each word of a lower-case key in upper case.
func titled(key string) string {
	b := []byte(key)
	for i := range b {
		if (i == 0 || b[i-1] == '-') && 'a' <= b[i] && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

// equalKeys reports whether other, in any case, is the key, in lower case.
func equalKeys(key, other string) bool {
	if len(key) != len(other) {
		return false
	}
	for i := range len(key) {
		if key[i] != lowerByte(other[i]) {
			return false
		}
	}
	return true
}
