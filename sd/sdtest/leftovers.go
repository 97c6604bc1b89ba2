package sdtest

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ours is where the goroutines of every adapter come from: sd.Keep runs one for
// each registration.
const ours = "github.com/dowelkit/dowel/sd"

// itself marks the goroutines of the suite, which range over watches.
const itself = "github.com/dowelkit/dowel/sd/sdtest."

// leavesNobody runs f and fails if goroutines of the harness's Packages are left
// that were not there before. Unlike a bubble it sees them beside a client that
// keeps goroutines of its own.
func (s *scene) leavesNobody(what string, f func()) {
	s.Helper()
	before := s.goroutines()
	f()
	var left string
	gone := func() bool {
		left = ""
		for id, stack := range s.goroutines() {
			if before[id] == "" {
				left = stack
			}
		}
		return left == ""
	}
	deadline := time.Now().Add(2 * prompt)
	for !gone() {
		if time.Now().After(deadline) {
			s.Errorf("%v after %s a goroutine is left:\n%s", 2*prompt, what, left)
			return
		}
		s.rest(prompt / 100)
	}
}

// goroutines returns the stacks of those that Packages have started, by number.
func (s *scene) goroutines() map[string]string {
	packages := slices.Concat(s.h.Packages, []string{ours})
	found := make(map[string]string)
	for stack := range bytes.SplitSeq(allStacks(), []byte("\n\n")) {
		text := string(stack)
		id, _, _ := strings.Cut(strings.TrimPrefix(text, "goroutine "), " ")
		if slices.ContainsFunc(packages, func(p string) bool { return startedBy(text, p) }) {
			found[id] = text
		}
	}
	return found
}

// startedBy tells whether a goroutine runs for a package: that has created it, or
// the standard library has, for code of the package. What a client has created is
// the client's, even if it calls back.
func startedBy(stack, pkg string) bool {
	frames, creator, _ := strings.Cut(stack, "\ncreated by ")
	if strings.HasPrefix(creator, pkg) {
		return true
	}
	function, _, _ := strings.Cut(creator, " ")
	host, _, path := strings.Cut(function, "/")
	foreign := path && strings.Contains(host, ".")
	return !foreign && strings.Contains(frames, "\n"+pkg) && !strings.Contains(frames, "\n"+itself)
}

func allStacks() []byte {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return buf[:n]
		}
	}
}
