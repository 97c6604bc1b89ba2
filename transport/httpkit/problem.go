package httpkit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

const problemType = "application/problem+json"

// Problem is the JSON body of an error answer: the problem details of RFC 9457,
// and beside them what an [endpoint.Error] tells the caller.
type Problem struct {
	Type     string `json:"type,omitempty"`     // a URI; absent means "about:blank"
	Title    string `json:"title,omitempty"`    // the text of the status
	Status   int    `json:"status,omitempty"`   // the status of the answer
	Detail   string `json:"detail,omitempty"`   // [endpoint.Error.Message]
	Instance string `json:"instance,omitempty"` // a URI of this occurrence

	Code         endpoint.Code `json:"code"`
	Reason       string        `json:"reason,omitempty"`
	RetryAfterMS int64         `json:"retry_after_ms,omitempty"` // milliseconds, rounded up
	NotProcessed bool          `json:"not_processed,omitempty"`
}

// NewProblem returns what the caller may know of err: that of [endpoint.Public],
// and nothing internal. Nil is answered as Internal, since it is no success.
func NewProblem(err error) Problem {
	pub := endpoint.Public(err)
	if pub == nil {
		pub = endpoint.Public(&endpoint.Error{Code: endpoint.Internal})
	}
	status := statusOf(pub.Code)
	if chosen, ok := chosenStatus(err); ok {
		status = chosen
	}
	title := http.StatusText(status)
	if status == statusClientClosed {
		title = "Client Closed Request"
	}
	return Problem{
		Title:        title,
		Status:       status,
		Detail:       pub.Message,
		Code:         pub.Code,
		Reason:       pub.Reason,
		RetryAfterMS: ceil(pub.RetryAfter, time.Millisecond),
		NotProcessed: pub.NotProcessed,
	}
}

// write sends the problem. What was to be true of another body is taken out of
// the headers first.
func (p Problem) write(w http.ResponseWriter) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	h := w.Header()
	for _, key := range [...]string{"Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Location"} {
		delete(h, key)
	}
	h.Set("Content-Type", problemType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfterMS > 0 {
		seconds := ceil(time.Duration(min(p.RetryAfterMS, maxMillis))*time.Millisecond, time.Second)
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(p.Status)
	_, err = w.Write(body)
	return err
}

// ceil returns d in units, rounded up; zero if d is negative.
func ceil(d, unit time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/unit) + 1
}
