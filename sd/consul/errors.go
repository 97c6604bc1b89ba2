package consul

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/consul/api"
)

// What a watch yields as an error beside those of the network and api.StatusError.
var (
	// ErrSilent: the agent does not answer, though connections to it may stand; or it
	// answers other questions, and not the query, however often that is made anew.
	ErrSilent = errors.New("the agent is silent")
	// ErrHidden: there are instances, and the token may see none of them.
	ErrHidden = errors.New("the token may not see the instances: Consul left all out by its access rules")
	// ErrNoLeader: the server of [WatchStale] knows no leader, and its answer may be
	// of any age.
	ErrNoLeader = errors.New("the server knows no leader, and its answer may be of any age")
	// ErrMalformed: there are entries that make no instance. The set without them
	// follows.
	ErrMalformed = errors.New("malformed entries are left out")
)

// errBackwards: what came with it must not be believed. Consul 1.16 answers with an
// index of 1 and no entries if a query times out while its stream breaks.
var errBackwards = errors.New("the index went backwards")

// errStuck: the agent answers, and not the query whose answer is due. Its connection is
// dead, or it is only slow, or it waits for an index of the agent's life before; all is
// mended by asking anew.
var errStuck = fmt.Errorf("%w: it answers, and not what the watch asks for", ErrSilent)

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
