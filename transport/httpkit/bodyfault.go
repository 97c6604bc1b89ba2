package httpkit

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

var errNoBody = badBody(errors.New("the body is empty"), "the request needs a JSON body")

// badBody returns an InvalidArgument with a message for the caller.
func badBody(cause error, format string, args ...any) error {
	return &endpoint.Error{Code: endpoint.InvalidArgument, Message: fmt.Sprintf(format, args...), Err: cause}
}

// checkType refuses a body that does not say that it is JSON. A form of another
// site cannot say so, which is half of a protection against its requests.
func checkType(h http.Header) error {
	if encoding := first(h["Content-Encoding"]); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unsupported("the body must not be compressed")
	}
	contentType := first(h["Content-Type"])
	if contentType == "application/json" { // nearly always
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return unsupported("the Content-Type of the body must be application/json")
	}
	return nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func unsupported(message string) error {
	return WithStatus(badBody(nil, "%s", message), http.StatusUnsupportedMediaType)
}

func tooLarge(limit int64, cause error) error {
	return WithStatus(badBody(cause, "the body is larger than %d bytes", limit), http.StatusRequestEntityTooLarge)
}

// readFault says why a body did not arrive.
func readFault(r *http.Request, err error) error {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(e.Limit, err)
	}
	if ctxErr := r.Context().Err(); ctxErr != nil {
		return fmt.Errorf("%w while the body arrived: %w", ctxErr, err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return WithStatus(&endpoint.Error{
			Code: endpoint.DeadlineExceeded, Message: "the body took too long to arrive", Err: err,
		}, http.StatusRequestTimeout)
	}
	return badBody(err, "the body ends before its end")
}
