package httpkit

import (
	"errors"
	"net/url"
)

// FillRoute returns the URL that a pattern makes of the values of its wildcards.
func FillRoute(pattern string, values map[string]string) (*url.URL, []string, error) {
	rt, faults := parseRoute(pattern)
	if len(faults) > 0 {
		return nil, nil, errors.Join(faults...)
	}
	u := &url.URL{Scheme: "http", Host: "h"}
	for _, name := range rt.wildcards() {
		if values[name] == "" {
			return nil, rt.wildcards(), errors.New("a value is missing")
		}
	}
	return u, rt.wildcards(), rt.fill(u, values)
}
