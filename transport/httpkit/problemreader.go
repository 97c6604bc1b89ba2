package httpkit

import (
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// maxForeign bounds, in bytes, what is kept of an answer that is not a problem
// of ours. It ends up in log lines.
const maxForeign = 512

// maxMillis is the greatest number of milliseconds that is a time.Duration.
const maxMillis = math.MaxInt64 / int64(time.Millisecond)

// readProblem makes an error of an answer that is not a success. If the answer
// is a problem that names its code, the error says what the server said.
// Otherwise the code is that of the status and the message is neutral: the text
// of a stranger goes to the cause, for logs, and not on to our own callers.
func readProblem(resp *http.Response, body []byte) *endpoint.Error {
	if e, ok := parseProblem(resp.Header.Get("Content-Type"), body); ok {
		if e.RetryAfter == 0 {
			e.RetryAfter = parseRetryAfter(resp.Header)
		}
		return e
	}
	return strangersError(resp, body)
}

// strangersError makes an error of an answer that is not a problem.
func strangersError(resp *http.Response, body []byte) *endpoint.Error {
	code := codeOf(resp.StatusCode)
	if code == endpoint.OK {
		code = endpoint.Unknown
	}
	neutral := endpoint.Public(&endpoint.Error{Code: code})
	return &endpoint.Error{
		Code:       code,
		Message:    neutral.Message,
		RetryAfter: parseRetryAfter(resp.Header),
		Outgoing:   true,
		Err:        foreignError(resp.StatusCode, body),
	}
}

func parseProblem(contentType string, body []byte) (*endpoint.Error, bool) {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != problemType {
		return nil, false
	}
	// Code is a pointer to tell a problem of somebody else, without a code.
	var p struct {
		Detail       string         `json:"detail"`
		Code         *endpoint.Code `json:"code"`
		Reason       string         `json:"reason"`
		RetryAfterMS int64          `json:"retry_after_ms"`
		NotProcessed bool           `json:"not_processed"`
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Code == nil || *p.Code == endpoint.OK {
		return nil, false
	}
	return &endpoint.Error{
		Code:         *p.Code,
		Message:      p.Detail,
		Reason:       p.Reason,
		RetryAfter:   millis(p.RetryAfterMS),
		NotProcessed: p.NotProcessed,
		Outgoing:     true,
	}, true
}

// parseRetryAfter reads seconds or a date, the two forms of RFC 9110, section
// 10.2.3. A date is taken relative to the server's own clock if it tells it.
func parseRetryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		return millis(int64(min(seconds, uint64(maxMillis/1000)+1)) * 1000)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}

// millis returns ms as a duration, within the range of one and not negative.
func millis(ms int64) time.Duration {
	if ms > maxMillis {
		return math.MaxInt64
	}
	return time.Duration(max(0, ms)) * time.Millisecond
}

func foreignError(status int, body []byte) error {
	text := strings.ToValidUTF8(string(body[:min(len(body), maxForeign)]), "")
	if text = strings.TrimSpace(text); text == "" {
		return fmt.Errorf("the server answered %d %s", status, http.StatusText(status))
	}
	return fmt.Errorf("the server answered %d %s: %q", status, http.StatusText(status), text)
}
