package call

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// canonical returns the form in which keys are stored and compared.
func canonical(key string) string { return strings.ToLower(key) }

var reservedKeys = []string{
	canonical(RequestIDKey), canonical(CorrelationIDKey), canonical(TimeoutKey),
	canonical(PriorityKey), canonical(RetriesKey),
	canonical(TraceparentKey), canonical(TracestateKey), canonical(BaggageKey),
}

func reserved(key string) bool { return slices.Contains(reservedKeys, key) }

// validKey reports whether key is a token of RFC 9110, section 5.6.2.
func validKey(key string) bool {
	if key == "" || len(key) > MaxIDLen {
		return false
	}
	for _, b := range []byte(key) {
		alnum := '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return true
}

// clean returns value if it is at most limit bytes of visible ASCII and inner
// spaces, and "" if not: a half-believed value is worse than none.
func clean(value string, limit int) string {
	if value == "" || len(value) > limit || value[0] == ' ' || value[len(value)-1] == ' ' {
		return ""
	}
	for _, b := range []byte(value) {
		if b < ' ' || b > '~' {
			return ""
		}
	}
	return value
}

// parseTimeout reads a number of milliseconds. What is left of a deadline that
// has passed is zero, not a fault.
func parseTimeout(text string) (time.Duration, bool) {
	if text == "" || len(text) > 10 {
		return 0, false
	}
	ms, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return min(time.Duration(ms)*time.Millisecond, MaxTimeout), true
}

// formatTimeout rounds up, so that a deadline does not shrink to zero on a hop
// that has time left.
func formatTimeout(left time.Duration) string {
	ms := max(0, math.Ceil(float64(left)/float64(time.Millisecond)))
	return strconv.FormatInt(int64(ms), 10)
}
