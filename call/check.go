package call

import (
	"strconv"
	"time"
)

// Bounds on what is believed of an incoming call. What exceeds them is left out,
// but for the timeout, which is cut.
const (
	MaxIDLen    = 128  // bytes of a request or correlation ID
	MaxValueLen = 1024 // bytes of a value of the user's own
	MaxTraceLen = 8192 // bytes of a W3C header; the baggage recommendation asks for 8192
	MaxTimeout  = 24 * time.Hour
	maxRetries  = 999
)

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

// parseNumber reads digits and nothing else. The length is looked at first,
// because strconv's errors copy the text.
func parseNumber(text string) (n uint64, ok bool) {
	if text == "" || len(text) > 19 {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

// parseTimeout reads a number of milliseconds. What is left of a deadline that
// has passed is zero, not a fault.
func parseTimeout(text string) (time.Duration, bool) {
	ms, ok := parseNumber(text)
	return time.Duration(min(ms, uint64(MaxTimeout/time.Millisecond))) * time.Millisecond, ok
}

// formatTimeout rounds up, so that a deadline does not shrink to zero on a hop
// that has time left.
func formatTimeout(left time.Duration) string {
	left = min(max(0, left), MaxTimeout)
	return strconv.FormatInt(int64((left+time.Millisecond-1)/time.Millisecond), 10)
}

// parseRetries reads a retry mark, and takes what it cannot believe for none.
func parseRetries(text string) int {
	if n, ok := parseNumber(text); ok && n <= maxRetries {
		return int(n)
	}
	return 0
}
