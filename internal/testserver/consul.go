package testserver

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// ConsulOption configures [NewConsul].
type ConsulOption func(*consulOptions)

type consulOptions struct{ token string }

// ConsulToken has Consul refuse whoever does not show a token that may do what is
// asked. This one may do everything. The default is that nobody needs one.
func ConsulToken(secret string) ConsulOption {
	return func(o *consulOptions) { o.token = secret }
}

// NewConsul starts a server of Consul, which is an agent too, that ends with the
// test. The datacenter is "dc1" and the node "test".
func NewConsul(t testing.TB, opts ...ConsulOption) *Server {
	t.Helper()
	s := newServer(t, "consul")
	path := install(t, servers.Consul)
	addrs := ports(t, 3)
	var o consulOptions
	for _, opt := range opts {
		opt(&o)
	}
	config := consulConfig(s.data(), addrs)
	if o.token != "" {
		config["acl"] = map[string]any{
			"enabled": true, "default_policy": "deny",
			"tokens": map[string]any{"initial_management": o.token, "agent": o.token},
		}
	}
	text, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "consul.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(program{
		name:  "consul",
		addr:  addrs[0],
		path:  path,
		args:  []string{"agent", "-config-file", file},
		ready: func(ctx context.Context) error { return consulServes(ctx, addrs[0], o.token) },
	})
	return s
}

// consulConfig returns what differs from the defaults, for the ports of HTTP,
// servers and gossip.
func consulConfig(data string, addrs []string) map[string]any {
	port := make([]int, len(addrs))
	for i, addr := range addrs {
		port[i], _ = strconv.Atoi(addr[strings.LastIndexByte(addr, ':')+1:])
	}
	return map[string]any{
		"server": true, "bootstrap_expect": 1, "node_name": "test", "data_dir": data,
		"bind_addr": "127.0.0.1", "client_addr": "127.0.0.1",
		"ports": map[string]any{
			"http": port[0], "server": port[1], "serf_lan": port[2],
			"serf_wan": -1, "dns": -1, "grpc": -1, "grpc_tls": -1,
		},
		"performance": map[string]any{"raft_multiplier": 1}, // as in production
		// All clients of a test are one address.
		"limits":               map[string]any{"http_max_conns_per_client": 10_000},
		"disable_update_check": true, "disable_anonymous_signature": true,
		"log_level": "warn",
	}
}

// consulServes reports why a server does not serve. The leader adds itself to the
// catalog once it has taken over.
func consulServes(ctx context.Context, addr, token string) error {
	query := url.Values{"passing": {"true"}, "token": {token}}
	return healthy(ctx, "http://"+addr+"/v1/health/service/consul?"+query.Encode(), []byte(`"Node":`))
}
