package httpkit

import (
	"fmt"
	"go/token"
	"net/url"
	"slices"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

// route is a pattern as http.ServeMux has them, read from the other side: it
// makes a path of the values of its wildcards. It is immutable.
type route struct {
	pattern string
	method  string
	parts   []part
}

// part is a piece of text or a wildcard.
type part struct {
	plain, escaped string
	wildcard       string
	multi          bool // {name...}: any number of segments
}

// parseRoute returns every fault of the pattern.
func parseRoute(pattern string) (*route, []error) {
	method, path, found := strings.Cut(pattern, " ")
	path = strings.TrimLeft(path, " \t")
	rt := &route{pattern: pattern, method: method}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case !found:
		fault("the pattern %q must be a method, a space and a path", pattern)
		return rt, faults
	case !validToken(method):
		fault("the pattern %q has no valid method", pattern)
	}
	if !strings.HasPrefix(path, "/") {
		fault("the path of pattern %q must begin with a slash", pattern)
		return rt, faults
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		rt.text("/", "/")
		switch {
		case segment == "{$}" && last: // the path ends with the slash
		case strings.ContainsAny(segment, "{}"):
			w, err := parseWildcard(segment, last)
			if err != nil {
				fault("the pattern %q: %w", pattern, err)
			}
			if slices.Contains(rt.wildcards(), w.wildcard) {
				fault("the pattern %q has the wildcard %q twice", pattern, w.wildcard)
			}
			rt.parts = append(rt.parts, w)
		case segment == "." || segment == ".." || segment == "" && !last:
			fault("the pattern %q has a segment %q, which servers resolve", pattern, segment)
		default:
			plain, err := url.PathUnescape(segment)
			if err != nil {
				fault("the pattern %q: %w", pattern, err)
			}
			rt.text(plain, url.PathEscape(plain))
		}
	}
	return rt, faults
}

func parseWildcard(segment string, last bool) (part, error) {
	name, open := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	name, multi := strings.CutSuffix(name, "...")
	w := part{wildcard: name, multi: multi}
	switch {
	case !open || !closed || !token.IsIdentifier(name) && !token.IsKeyword(name):
		return w, fmt.Errorf("%q is no wildcard: that is a whole segment such as {id}", segment)
	case multi && !last:
		return w, fmt.Errorf("%q must be the last segment", segment)
	}
	return w, nil
}

// text adds text to the part before, if that is text too.
func (rt *route) text(plain, escaped string) {
	if n := len(rt.parts); n > 0 && rt.parts[n-1].wildcard == "" {
		rt.parts[n-1].plain += plain
		rt.parts[n-1].escaped += escaped
		return
	}
	rt.parts = append(rt.parts, part{plain: plain, escaped: escaped})
}

func (rt *route) wildcards() (names []string) {
	for _, p := range rt.parts {
		if p.wildcard != "" {
			names = append(names, p.wildcard)
		}
	}
	return names
}

// match returns what fields and wildcards do not have in common.
func (rt *route) match(fields []string) (faults []error) {
	names := rt.wildcards()
	for _, name := range names {
		if !slices.Contains(fields, name) {
			faults = append(faults, fmt.Errorf("the pattern %q: no field of the request has the tag path:%q", rt.pattern, name))
		}
	}
	for _, name := range fields {
		if !slices.Contains(names, name) {
			faults = append(faults, fmt.Errorf("the pattern %q has no wildcard for the field with the tag path:%q", rt.pattern, name))
		}
	}
	return faults
}

// fill sets the path of u, which has that of the base already.
func (rt *route) fill(u *url.URL, values map[string]string) error {
	if len(values) == 0 { // one piece of text
		u.Path, u.RawPath = u.Path+rt.parts[0].plain, u.RawPath+rt.parts[0].escaped
		return nil
	}
	var plain, escaped strings.Builder
	plain.WriteString(u.Path)
	escaped.WriteString(u.RawPath)
	for _, p := range rt.parts {
		switch value := values[p.wildcard]; {
		case p.wildcard == "":
			plain.WriteString(p.plain)
			escaped.WriteString(p.escaped)
		case p.multi:
			clean, err := escapeSegments(p.wildcard, value)
			if err != nil {
				return err
			}
			plain.WriteString(value)
			escaped.WriteString(clean)
		default:
			plain.WriteString(value)
			escaped.WriteString(url.PathEscape(value))
		}
	}
	u.Path, u.RawPath = plain.String(), escaped.String()
	return nil
}

// escapeSegments refuses what a server would resolve instead of pass on.
func escapeSegments(name, value string) (string, error) {
	segments := strings.Split(value, "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return "", &endpoint.Error{
				Code:    endpoint.InvalidArgument,
				Message: fmt.Sprintf(`path segment %q must have no part that is empty, "." or ".."`, name),
			}
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/"), nil
}
