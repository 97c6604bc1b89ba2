package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/internal/testserver"
)

// draw draws the spans below one of them, in the order of their beginning. What is the
// same in each is checked and left out; what is not expected is drawn.
func draw(spans []testserver.Span, parent testserver.Span, indent string) string {
	var text strings.Builder
	slices.SortStableFunc(spans, func(a, b testserver.Span) int { return a.Start.Compare(b.Start) })
	for _, s := range spans {
		if s.ParentID == parent.SpanID {
			fmt.Fprintf(&text, "%s%s\n%s", indent, line(s, parent), draw(spans, s, indent+"  "))
		}
	}
	return text.String()
}

func line(s, parent testserver.Span) string {
	rest := maps.Clone(s.Attributes)
	take := func(name string) string {
		value, ok := rest[name]
		delete(rest, name)
		if !ok {
			return ""
		}
		return fmt.Sprint(value) // of Zipkin's all are text
	}
	parts := []string{fmt.Sprintf("%s %s of %s: %s", s.Kind, s.Name, s.Service, take("rpc.response.status_code"))}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	if s.Status == "error" && take("error.type") == s.Attributes["rpc.response.status_code"] {
		parts = append(parts, "error")
	} else if s.Status != "unset" {
		add("status", s.Status)
	}
	add("attempt", take("dowel.attempt"))
	add("attempts", take("dowel.attempts"))
	add("retries", take("dowel.retries"))
	if id := take("dowel.instance"); id != "" {
		among := "any"
		switch _, retried := parent.Attributes["dowel.attempts"]; {
		case retried && id == parent.Attributes["dowel.instance"]:
			among = "the same"
		case retried:
			among = "another"
		}
		add("instance", among)
	}
	if take("rpc.system.name") != "dowel" || take("rpc.method") != s.Name {
		add("rpc", "wrong")
	}
	address := "server." // of a call, that of its last attempt
	if s.Kind == "server" {
		address = "network.peer."
	}
	if take(address+"address") != "127.0.0.1" || take(address+"port") == "" {
		add("address", "wrong")
	}
	for _, e := range s.Events {
		add(e.Name, fmt.Sprint(e.Attributes["exception.type"], " ", e.Attributes["dowel.reason"]))
	}
	for _, name := range slices.SortedFunc(maps.Keys(rest), cmp.Compare) {
		add(name, fmt.Sprint(rest[name]))
	}
	return strings.Join(parts, ", ")
}

// undoZipkin checks what Zipkin's format and the Collector's translation of it add, and
// takes it away: the remote endpoint, once more, a tag for failures, and events as
// annotations, which are text.
func undoZipkin(t *testing.T, s *testserver.Span) {
	t.Helper()
	port := "server.port"
	if s.Kind == "server" {
		port = "network.peer.port"
	}
	if s.Attributes[port] != nil {
		if got := fmt.Sprint(s.Attributes["net.peer.port"]); got != s.Attributes[port] {
			t.Errorf("the remote endpoint of %s %s has port %s, want %v", s.Kind, s.Name, got, s.Attributes[port])
		}
		delete(s.Attributes, "net.peer.port")
		if s.Kind == "client" {
			if got := s.Attributes["network.peer.address"]; got != "127.0.0.1" {
				t.Errorf("the remote endpoint of %s %s is %v", s.Kind, s.Name, got)
			}
			delete(s.Attributes, "network.peer.address")
		}
	}
	if _, failed := s.Attributes["error"]; failed != (s.Status == "error") {
		t.Errorf("%s %s: status %s, and a tag for failures: %t", s.Kind, s.Name, s.Status, failed)
	}
	delete(s.Attributes, "error")
	for i, e := range s.Events {
		var text map[string]map[string]any
		if err := json.Unmarshal([]byte(e.Name), &text); err != nil {
			t.Errorf("the annotation %q: %v", e.Name, err)
		}
		for name, attributes := range text {
			s.Events[i] = testserver.SpanEvent{Name: name, Attributes: attributes}
		}
	}
}
