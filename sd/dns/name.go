package dns

import (
	"fmt"
	"strings"
)

// validName returns what is wrong with a name, or nil. It accepts what the
// standard resolver does, less the root: that answers a malformed name with "no
// such host" without asking, which would look like an empty set for ever.
func validName(name string) error {
	fault := func(what string) error { return fmt.Errorf("dns: name %q %s", name, what) }
	bare := strings.TrimSuffix(name, ".")
	if bare == "" {
		return fault("is empty")
	}
	if len(bare) > 253 {
		return fault("is longer than 253 bytes")
	}
	numeric := true
	for label := range strings.SplitSeq(bare, ".") {
		switch {
		case label == "":
			return fault("has an empty label")
		case len(label) > 63:
			return fault("has a label longer than 63 bytes")
		case label[0] == '-' || label[len(label)-1] == '-':
			return fault("has a label with a hyphen at its edge")
		case strings.ContainsFunc(label, func(r rune) bool { return !inLabel(r) }):
			return fault("has a character that is no letter, digit, hyphen or underscore of ASCII")
		}
		numeric = numeric && strings.Trim(label, "0123456789") == ""
	}
	if numeric {
		return fault("has digits only")
	}
	return nil
}

func inLabel(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}
