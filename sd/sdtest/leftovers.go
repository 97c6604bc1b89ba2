package sdtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"
)

// ours is where the goroutines of every adapter come from: sd.Keep runs one for
// each registration.
const ours = "github.com/dowelkit/dowel/sd"

// itself marks the goroutines of the suite, which range over watches.
const itself = "github.com/dowelkit/dowel/sd/sdtest."

// label is the key under which every goroutine of a case has the name of its service,
// for what a goroutine starts inherits its labels. So cases that look for what is left
// may run beside each other and beside other tests. What a timer starts, or a goroutine
// that a client had before, is not found by it.
const label = "sdtest"

// labelled calls f, and lets it and all that it starts be found by that name.
func labelled(name string, f func()) {
	showLabels()
	pprof.Do(context.Background(), pprof.Labels(label, name), func(context.Context) { f() })
}

// showLabels has the runtime tell labels beside stacks.
var showLabels = sync.OnceFunc(func() {
	settings := strings.Trim(os.Getenv("GODEBUG")+",tracebacklabels=1", ",")
	if err := os.Setenv("GODEBUG", settings); err != nil {
		panic(err)
	}
})

// leavesNobody runs f and fails if goroutines of the harness's Packages are left
// that were not there before. Unlike a bubble it sees them beside a client that
// keeps goroutines of its own.
func (s *scene) leavesNobody(what string, f func()) {
	s.Helper()
	before := s.ofPackages()
	f()
	s.vanish(what, func() (left string) {
		for id, stack := range s.ofPackages() {
			if before[id] == "" {
				left = "a goroutine is left:\n" + stack
			}
		}
		return left
	})
}

// leavesNothing runs f n times, and fails if that leaves goroutines behind. It
// counts, and leaves room for those that a client keeps to itself; in a bubble
// even one is found at the end.
func (s *scene) leavesNothing(what string, n int, f func()) {
	s.Helper()
	before := len(s.goroutines())
	for range n {
		f()
	}
	s.vanish(what, func() string {
		if after := len(s.goroutines()); after >= before+n/2 {
			return fmt.Sprintf("%d goroutines are left, and %d were there before", after, before)
		}
		return ""
	})
}

// vanish fails the case if what is left does not become "".
func (s *scene) vanish(what string, left func() string) {
	s.Helper()
	// A look stops all that runs, other cases too.
	const often = 100
	for deadline := time.Now().Add(2 * prompt); ; s.rest(2 * prompt / often) {
		rest := left()
		if rest == "" {
			return
		}
		if time.Now().After(deadline) {
			s.Errorf("%v after %s %s", 2*prompt, what, rest)
			return
		}
	}
}

// ofPackages returns the stacks of the case that Packages have started, by number.
func (s *scene) ofPackages() map[string]string {
	s.Helper()
	packages := slices.Concat(s.h.Packages, []string{ours})
	found := s.goroutines()
	maps.DeleteFunc(found, func(_, stack string) bool {
		return !slices.ContainsFunc(packages, func(p string) bool { return startedBy(stack, p) })
	})
	return found
}

// goroutines returns the stacks of the case, by number.
func (s *scene) goroutines() map[string]string {
	s.Helper()
	found := make(map[string]string)
	for stack := range bytes.SplitSeq(allStacks(), []byte("\n\n")) {
		head, _, _ := bytes.Cut(stack, []byte("\n"))
		if !bytes.Contains(head, []byte(`"`+s.name+`"`)) {
			continue
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(string(head), "goroutine "), " ")
		found[id] = string(stack)
	}
	if found[goroutine()] == "" {
		s.Fatal("sdtest: the runtime does not show the labels of goroutines")
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

// allStacks stops all that runs, so it had better find room at once.
func allStacks() []byte {
	for size := 16 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return buf[:n]
		}
	}
}
