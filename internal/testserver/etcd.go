package testserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// NewEtcd starts a node of etcd that ends with the test. A lease lives for a
// second or longer.
func NewEtcd(t testing.TB) *Server {
	t.Helper()
	return newEtcds(t, 1)[0]
}

// newEtcds starts as many nodes of one cluster.
func newEtcds(t testing.TB, n int) []*Server {
	t.Helper()
	path := install(t, servers.Etcd)
	clients, peers := Ports(t, n), Ports(t, n)
	heartbeat, election := "50", "500"
	if n == 1 {
		heartbeat, election = "20", "200" // nobody to lose on a busy machine
	}
	cluster := make([]string, n)
	for i, peer := range peers {
		cluster[i] = fmt.Sprintf("n%d=http://%s", i, peer)
	}
	nodes := make([]*Server, n)
	for i := range nodes {
		nodes[i] = newServer(t, "etcd")
		nodes[i].launch(program{
			name: fmt.Sprintf("etcd n%d", i),
			addr: clients[i],
			path: path,
			args: []string{
				"--name", fmt.Sprintf("n%d", i), "--data-dir", nodes[i].data(), "--log-level", "warn",
				"--listen-client-urls", "http://" + clients[i], "--advertise-client-urls", "http://" + clients[i],
				"--listen-peer-urls", "http://" + peers[i], "--initial-advertise-peer-urls", "http://" + peers[i],
				"--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", "new",
				"--heartbeat-interval", heartbeat, "--election-timeout", election, "--unsafe-no-fsync",
			},
			// It is healthy once it has read through its leader.
			ready: func(ctx context.Context) error {
				return healthy(ctx, "http://"+clients[i]+"/health", []byte(`"health":"true"`))
			},
		})
	}
	for _, node := range nodes {
		node.await()
	}
	return nodes
}
