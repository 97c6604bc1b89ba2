package testserver

import (
	"context"
	"encoding/json"
	"fmt"
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
// test. The datacenter is "dc1" and the node "n0".
func NewConsul(t testing.TB, opts ...ConsulOption) *Server {
	t.Helper()
	return newConsuls(t, 1, opts...)[0]
}

// newConsuls starts as many servers of one datacenter.
func newConsuls(t testing.TB, n int, opts ...ConsulOption) []*Server {
	t.Helper()
	path := install(t, servers.Consul)
	var o consulOptions
	for _, opt := range opts {
		opt(&o)
	}
	clients, peers, gossip := Ports(t, n), Ports(t, n), Ports(t, n)
	nodes := make([]*Server, n)
	for i := range nodes {
		nodes[i] = newServer(t, "consul")
		name := fmt.Sprintf("n%d", i)
		config := consulConfig(name, nodes[i].data(), clients[i], peers[i], gossip[i])
		config["bootstrap_expect"] = n
		if n > 1 {
			config["retry_join"], config["retry_interval"] = gossip, "100ms"
		}
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
		file := filepath.Join(nodes[i].dir, "consul.json")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		nodes[i].launch(program{
			name:  "consul " + name,
			addr:  clients[i],
			path:  path,
			args:  []string{"agent", "-config-file", file},
			ready: func(ctx context.Context) error { return consulServes(ctx, clients[i], o.token) },
		})
	}
	for _, node := range nodes {
		node.await()
	}
	return nodes
}

// consulConfig returns what differs from the defaults for a server on its own.
func consulConfig(name, data, client, peer, gossip string) map[string]any {
	return map[string]any{
		"server": true, "node_name": name, "data_dir": data,
		"bind_addr": "127.0.0.1", "client_addr": "127.0.0.1",
		"ports": map[string]any{
			"http": portOf(client), "server": portOf(peer), "serf_lan": portOf(gossip),
			"serf_wan": -1, "dns": -1, "grpc": -1, "grpc_tls": -1,
		},
		"performance": map[string]any{"raft_multiplier": 1}, // as in production
		// All clients of a test are one address.
		"limits":               map[string]any{"http_max_conns_per_client": 10_000},
		"disable_update_check": true, "disable_anonymous_signature": true,
		"log_level": "warn",
	}
}

func portOf(addr string) int {
	port, _ := strconv.Atoi(addr[strings.LastIndexByte(addr, ':')+1:])
	return port
}

// consulServes reports why a server does not serve. The leader adds itself to the
// catalog once it has taken over. One that was started with its data has the entry of
// before, and answers before it has caught up with the rest: not so if it is asked for
// what is consistent.
func consulServes(ctx context.Context, addr, token string) error {
	query := url.Values{"passing": {"true"}, "consistent": {"true"}, "token": {token}}
	return healthy(ctx, "http://"+addr+"/v1/health/service/consul?"+query.Encode(), []byte(`"Node":`))
}
