package zookeeper

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
)

// checkPath returns what is wrong with the path of a service, or nil. It knows the
// rules of ZooKeeper, so that a malformed path is refused before any server is
// asked; the root is refused too, for its children are services and not instances.
func checkPath(path string) error {
	fault := func(what string) error { return fmt.Errorf("zookeeper: path %q %s", path, what) }
	segments, absolute := strings.CutPrefix(path, "/")
	switch {
	case path == "":
		return fault("is empty")
	case !absolute:
		return fault("does not begin with a slash")
	case segments == "":
		return fault("is the root")
	case strings.ContainsFunc(path, forbidden):
		return fault("has a character that ZooKeeper does not allow")
	}
	for segment := range strings.SplitSeq(segments, "/") {
		switch segment {
		case "":
			return fault("has an empty segment, or ends in a slash")
		case ".", "..":
			return fault("has the segment " + segment)
		}
	}
	return nil
}

// forbidden also catches what is not UTF-8: that decodes as U+FFFD.
func forbidden(r rune) bool {
	return r <= 0x1f || 0x7f <= r && r <= 0x9f || 0xf000 <= r && r <= 0xf8ff || 0xfff0 <= r && r < 0xffff
}

// newName returns a name for the node of an instance that no other registration
// has. So a registration can tell its own node by the name alone, whatever replies
// were lost, and never touches that of a predecessor or a successor.
func newName(id string) string {
	const bits65 = 13 // letters of five bits
	return url.PathEscape(id) + "-" + strings.ToLower(rand.Text()[:bits65])
}
