package consul

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkName returns what is wrong with the name of a service, or nil. It becomes
// the last element of a URL's path, where a slash and dots would lead elsewhere.
func checkName(name string) error {
	fault := func(what string) error { return fmt.Errorf("consul: service name %q %s", name, what) }
	switch {
	case name == "":
		return errors.New("consul: service name is empty")
	case name == "." || name == ".." || strings.Contains(name, "/"):
		return fault("is an element of a path or holds a slash")
	case name == "*":
		return fault("is Consul's wildcard")
	case !printable(name):
		return fault("is not UTF-8 without space and control characters")
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// serviceID returns the ID of a registration in Consul: "service:instance:nonce".
//
// Consul asks that an ID is unique among all services of an agent, hence the
// service's name. The nonce makes each registration an entry of its own: one
// cannot overwrite, renew or remove another's, which no read before a write could
// rule out, since an agent has no conditional writes.
func serviceID(service, instance, nonce string) string {
	// Without colons in it the name ends at the first, and two pairs of names
	// never make one ID.
	service = strings.ReplaceAll(url.PathEscape(service), ":", "%3A")
	return service + ":" + url.PathEscape(instance) + ":" + nonce
}
