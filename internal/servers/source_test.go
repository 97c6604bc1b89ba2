//go:build unix

package servers_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

func TestGetMakesAServerOnce(t *testing.T) {
	calls := fakeGo(t, `echo call >> "$CALLS"; sleep 0.1; echo built > "$out"`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			path, err := servers.Etcd.Get(t.Context(), io.Discard)
			if text, _ := os.ReadFile(path); err != nil || string(text) != "built\n" {
				t.Errorf("%s holds %q, %v", path, text, err)
			}
		})
	}
	wg.Wait()
	if text, _ := os.ReadFile(calls); strings.Count(string(text), "call") != 1 {
		t.Errorf("calls of go: %q", text)
	}
}

func TestGetKeepsNothingOfAFailure(t *testing.T) {
	fakeGo(t, `echo half > "$out"; echo no such module >&2; exit 1`)
	path, err := servers.Etcd.Get(t.Context(), io.Discard)
	if err == nil {
		t.Fatalf("got %s", path)
	}
	for _, want := range []string{"no such module", "DOWEL_ETCD"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	fakeGo(t, `echo built > "$out"`)
	path, err = servers.Etcd.Get(t.Context(), io.Discard)
	if text, _ := os.ReadFile(path); err != nil || string(text) != "built\n" {
		t.Errorf("after a failure %s holds %q, %v", path, text, err)
	}
}

func TestGetStopsWaiting(t *testing.T) {
	proceed := fakeGo(t, `until [ -e "$CALLS" ]; do sleep 0.01; done; echo built > "$out"`)
	building := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := servers.Etcd.Get(t.Context(), whenSaid("building", func() { close(building) }))
		if err != nil {
			t.Error(err)
		}
	})
	<-building
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	path, err := servers.Consul.Get(ctx, whenSaid("waiting", cancel))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %s, %v", path, err)
	}
	if err := os.WriteFile(proceed, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

// A server whose program is ours is another one once that changes.
func TestGetMakesAServerAgainOnceItsSourceChanges(t *testing.T) {
	calls := fakeGo(t, `echo call >> "$CALLS"; cat main.go > "$out"`)
	checkout := t.TempDir()
	module := filepath.Join(checkout, "internal", "servers", "otelcol")
	if err := os.MkdirAll(module, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(checkout)
	for _, file := range []string{"go.mod", "go.sum", "main.go"} {
		for _, text := range []string{"one", "another"} {
			for _, name := range []string{"go.mod", "go.sum", "main.go"} {
				if err := os.WriteFile(filepath.Join(module, name), []byte(name), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(module, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				path, err := servers.Collector.Get(t.Context(), io.Discard)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := os.ReadFile(path)
				if want, _ := os.ReadFile(filepath.Join(module, "main.go")); string(got) != string(want) {
					t.Errorf("%s says %q and the server is made of %q", file, text, got)
				}
			}
		}
	}
	if text, _ := os.ReadFile(calls); strings.Count(string(text), "call") != 6 {
		t.Errorf("calls of go: %q, want one for each of six states", text)
	}
}

func TestGetPrefersTheUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etcd")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOWEL_ETCD", path)
	if got, err := servers.Etcd.Get(t.Context(), io.Discard); got != path || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestGetNeedsACheckout(t *testing.T) {
	t.Setenv("DOWEL_ETCD", "")
	t.Chdir(t.TempDir())
	if path, err := servers.Etcd.Get(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "checkout") {
		t.Errorf("got %s, %v", path, err)
	}
}

// whenSaid returns a writer that calls f when the word is written first.
func whenSaid(word string, f func()) io.Writer {
	return writerFunc(func(text []byte) (int, error) {
		if f != nil && strings.Contains(string(text), word) {
			f()
			f = nil
		}
		return len(text), nil
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

// fakeGo puts a script in go's place, which finds the path to write in $out. It
// returns the file of $CALLS. The cache is empty.
func fakeGo(t *testing.T, script string) (calls string) {
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	script = `#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
` + script
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("CALLS", calls)
	t.Setenv("DOWEL_ETCD", "")
	t.Setenv("DOWEL_CONSUL", "")
	t.Setenv("DOWEL_OTELCOL", "")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	return calls
}
