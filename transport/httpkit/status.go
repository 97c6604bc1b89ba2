package httpkit

import (
	"net/http"

	"github.com/dowelkit/dowel/endpoint"
)

// statusClientClosed is nginx's status for a caller that went away. RFC 9110 has
// none, and nobody is left to read it: it is for logs and metrics.
const statusClientClosed = 499

// statusOf is the mapping of google.rpc.Code to HTTP, so that gateways and
// people who know one know the other.
func statusOf(code endpoint.Code) int {
	switch code {
	case endpoint.OK:
		return http.StatusOK
	case endpoint.Canceled:
		return statusClientClosed
	case endpoint.InvalidArgument, endpoint.FailedPrecondition, endpoint.OutOfRange:
		return http.StatusBadRequest
	case endpoint.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case endpoint.NotFound:
		return http.StatusNotFound
	case endpoint.AlreadyExists, endpoint.Aborted:
		return http.StatusConflict
	case endpoint.PermissionDenied:
		return http.StatusForbidden
	case endpoint.ResourceExhausted:
		return http.StatusTooManyRequests
	case endpoint.Unimplemented:
		return http.StatusNotImplemented
	case endpoint.Unavailable:
		return http.StatusServiceUnavailable
	case endpoint.Unauthenticated:
		return http.StatusUnauthorized
	default:
		return http.StatusInternalServerError
	}
}

// codeOf is for answers that do not say their code themselves.
func codeOf(status int) endpoint.Code {
	switch status {
	case http.StatusUnauthorized:
		return endpoint.Unauthenticated
	case http.StatusForbidden:
		return endpoint.PermissionDenied
	case http.StatusNotFound, http.StatusGone:
		return endpoint.NotFound
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return endpoint.DeadlineExceeded
	case http.StatusConflict:
		return endpoint.Aborted
	case http.StatusPreconditionFailed:
		return endpoint.FailedPrecondition
	case http.StatusTooManyRequests:
		return endpoint.ResourceExhausted
	case statusClientClosed:
		return endpoint.Canceled
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return endpoint.Unimplemented
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return endpoint.Unavailable
	}
	switch status / 100 {
	case 2:
		return endpoint.OK
	case 4:
		return endpoint.InvalidArgument
	case 5:
		return endpoint.Internal
	}
	return endpoint.Unknown
}
