package zookeeper_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// nowhere is a client without a server.
func nowhere(t testing.TB) *zk.Conn {
	t.Helper()
	refuse := func(string, string, time.Duration) (net.Conn, error) { return nil, errors.New("nowhere") }
	client, _, err := zk.Connect([]string{"127.0.0.1:1"}, timeout, zk.WithLogger(silent{}), zk.WithDialer(refuse))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestMalformedPathsAreRefused(t *testing.T) {
	client := nowhere(t)
	tests := map[string]string{
		"": "is empty", "/": "is the root", "a": "does not begin", "a/b": "does not begin", "/a/": "empty segment",
		"//": "empty segment", "/a//b": "empty segment", "/.": "segment .", "/a/../b": "segment ..", "/a\x00": "character",
		"/a\n": "character", "/\xff": "character", "/\ue000": "", "/a": "", "/a b": "", "/services/stringsvc": "", "/ü/日本": "", "/...": "",
	}
	for path, fault := range tests {
		_, watching := zookeeper.NewInstancer(client, path)
		_, registering := zookeeper.NewRegistrar(client, path)
		for _, err := range []error{watching, registering} {
			if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
				t.Errorf("path %q: %v, want %q", path, err, fault)
			}
		}
	}
}

// A path is accepted exactly if it is not the root, no segment of it is relative, and
// the client accepts it. The client overlooks some relative ones, which the server
// then refuses.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/", "/a", "/a/b", "/a/", "//", "/.", "/..", "/.a", "/a/./b", "/./0", "/a\x7f", "/\uf000", "/\ufffe", "/\uffff", "/é\xff", "x"} {
		f.Add(path)
	}
	client := nowhere(f)
	client.Close()
	f.Fuzz(func(t *testing.T, path string) {
		_, err := zookeeper.NewInstancer(client, path)
		_, _, asked := client.Exists(path) // which fails before a server is asked
		segments := strings.Split(path, "/")
		relative := slices.Contains(segments, ".") || slices.Contains(segments, "..")
		if want := path != "/" && !relative && asked != zk.ErrInvalidPath; (err == nil) != want {
			t.Fatalf("%q: %v, and the client says %v", path, err, asked)
		}
	})
}

func TestMisusePanicsNamingAllFaults(t *testing.T) {
	tests := map[string]struct {
		make func()
		want []string
	}{
		"Instancer": {
			func() {
				_, _ = zookeeper.NewInstancer(nil, "", nil, zookeeper.WatchReads(0), zookeeper.WatchBackoff(sd.Backoff{Cap: -1}))
			},
			[]string{"zookeeper: NewInstancer", "the client is nil", "option 1 is nil", "WatchReads must be positive, not 0", "WatchBackoff"},
		},
		"Registrar": {
			func() {
				_, _ = zookeeper.NewRegistrar(nil, "/a", nil, zookeeper.RegisterACL(), zookeeper.RegisterKeep(nil))
			},
			[]string{"zookeeper: NewRegistrar", "the client is nil", "option 1 is nil", "RegisterACL is empty", "option 1 of RegisterKeep is nil"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				for _, want := range tt.want {
					if !strings.Contains(text, want) {
						t.Errorf("the panic %q does not say %q", text, want)
					}
				}
			}()
			tt.make()
		})
	}
}
