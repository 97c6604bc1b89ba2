package consul

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hashicorp/consul/api"
)

var errOverwritten = errors.New("the agent shows another instance than was registered")

// refused reports that Consul will not take a request however often it is made:
// malformed, or no permission.
func refused(err error) bool {
	e, ok := errors.AsType[api.StatusError](err)
	if !ok || e.Code < 400 || e.Code > 499 {
		return false
	}
	switch e.Code {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		// The first is a proxy's answer before the agent is there.
		return false
	}
	return true
}

// forgotten reports that the agent does not know the service or its check (any
// more). Newer agents say that with 404, as proxies say other things; older ones and
// lost checks with 500. So the text decides.
func forgotten(err error) bool {
	if errors.Is(err, errOverwritten) {
		return true
	}
	e, ok := errors.AsType[api.StatusError](err)
	if !ok || e.Code != http.StatusNotFound && e.Code != http.StatusInternalServerError {
		return false
	}
	body := strings.ToLower(e.Body)
	return strings.Contains(body, "unknown service") || strings.Contains(body, "unknown check") ||
		strings.Contains(body, "does not have associated ttl")
}
