package testserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
	"github.com/dowelkit/dowel/internal/testserver"
)

// A user who gives an address gets it.
func TestAddrIsTheUsers(t *testing.T) {
	tests := map[string]struct {
		source servers.Source
		addr   func(testing.TB) string
		start  func(testing.TB) *testserver.Server
	}{
		"etcd":      {servers.Etcd, testserver.EtcdAddr, testserver.NewEtcd},
		"zookeeper": {servers.ZooKeeper, testserver.ZooKeeperAddr, testserver.NewZooKeeper},
		"consul":    {servers.Consul, testserver.ConsulAddr, func(t testing.TB) *testserver.Server { return testserver.NewConsul(t) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			variable := tt.source.Variable
			t.Setenv(variable, "")
			t.Setenv(variable+"_ADDR", "192.0.2.1:1")
			if addr := tt.addr(t); addr != "192.0.2.1:1" {
				t.Errorf("address %s", addr)
			}
			skipped := true
			t.Run("own", func(t *testing.T) {
				tt.start(t)
				skipped = false
			})
			if !skipped || testserver.Starts(tt.source) {
				t.Errorf("a server is started although the user has one: skipped %v", skipped)
			}
			t.Setenv(variable, "/an/executable")
			if !testserver.Starts(tt.source) {
				t.Error("no server is started although the user gives one to start")
			}
		})
	}
}

func TestServerIsTheUsersExecutable(t *testing.T) {
	t.Setenv("DOWEL_ETCD_ADDR", "")
	missing := filepath.Join(t.TempDir(), "etcd")
	t.Setenv("DOWEL_ETCD", missing)
	if text := fatal(func(t testing.TB) { testserver.NewEtcd(t) }); !strings.Contains(text, "DOWEL_ETCD") {
		t.Errorf("a missing executable: %q", text)
	}
	script := "#!/bin/sh\necho this is no etcd; exit 3\n"
	if err := os.WriteFile(missing, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	text := fatal(func(t testing.TB) { testserver.NewEtcd(t) })
	if !strings.Contains(text, "this is no etcd") || !strings.Contains(text, "exit status 3") {
		t.Errorf("an executable that fails: %q", text)
	}
}

// fatal returns what f ends its test with.
func fatal(f func(testing.TB)) (text string) {
	t, end := testserver.Outside()
	defer end()
	defer func() { text, _ = recover().(string) }()
	f(t)
	return ""
}
