package etcd

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// place is where the entries of one service are: the keys that begin with it and
// have no further slash. It ends with a slash, so that "/services/foo" has nothing
// of "/services/foobar".
type place string

// newPlace checks a prefix, which may come from a configuration.
func newPlace(prefix string) (place, error) {
	var faults []error
	fault := func(what string) { faults = append(faults, fmt.Errorf("etcd: prefix %q %s", prefix, what)) }
	bare := strings.TrimSuffix(prefix, "/")
	switch {
	case bare == "":
		fault("is empty")
	case strings.Contains(bare, "//"), strings.HasSuffix(bare, "/"):
		fault("has an empty element")
	}
	if !utf8.ValidString(prefix) {
		fault("is not UTF-8")
	}
	if strings.ContainsFunc(prefix, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		fault("has a space or a control character")
	}
	return place(bare + "/"), errors.Join(faults...)
}

// end is the first key after all that begin with p.
func (p place) end() string { return string(p[:len(p)-1]) + string('/'+1) }

// An ID may hold slashes, and a key's last element may not.
var (
	escape   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescape = strings.NewReplacer("%25", "%", "%2F", "/")
)

// key returns the key of an ID.
func (p place) key(id string) string { return string(p) + escape.Replace(id) }

// id returns the ID that a key stands for. It is not ours if it is deeper: that is
// an entry of another service, whose prefix begins with this one.
func (p place) id(key string) (id string, ours bool, err error) {
	name, ok := strings.CutPrefix(key, string(p))
	if !ok || strings.Contains(name, "/") {
		return "", false, nil
	}
	id = unescape.Replace(name)
	switch {
	case id == "":
		return "", true, errors.New("the key has no name after the prefix")
	case escape.Replace(id) != name:
		// Two keys must not stand for one ID.
		return "", true, errors.New("the key has a % that is part of neither %25 nor %2F")
	}
	return id, true, nil
}
