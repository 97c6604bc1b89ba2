package testserver

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An Ensemble is a cluster whose nodes are servers of their own. A node that is
// started alone serves when more than half of them are up. Like a server it is
// for the test's goroutine.
type Ensemble struct {
	Nodes []*Server

	t testing.TB
	// leads reports whether that node, which is up, is the leader.
	leads func(ctx context.Context, addr string) (bool, error)
}

// NewEtcdEnsemble starts a cluster of n nodes of etcd that ends with the test. A
// leader that is gone is replaced after half a second to a whole. Nodes can be
// wiped only all together: etcd does not take back one that forgot its identity.
func NewEtcdEnsemble(t testing.TB, n int) *Ensemble {
	t.Helper()
	return &Ensemble{Nodes: newEtcds(t, n), t: t, leads: etcdLeads}
}

// NewZooKeeperEnsemble starts an ensemble of n nodes of ZooKeeper, at least two,
// that ends with the test.
func NewZooKeeperEnsemble(t testing.TB, n int) *Ensemble {
	t.Helper()
	return &Ensemble{Nodes: newZooKeepers(t, n), t: t, leads: zooLeads}
}

// NewConsulEnsemble starts a datacenter of n servers of Consul, as [NewConsul] does.
// Without their data they elect nobody before all of them are up.
func NewConsulEnsemble(t testing.TB, n int) *Ensemble {
	t.Helper()
	return &Ensemble{Nodes: newConsuls(t, n), t: t, leads: consulLeads}
}

// Addrs returns the addresses of all nodes, for clients.
func (e *Ensemble) Addrs() []string {
	addrs := make([]string, len(e.Nodes))
	for i, node := range e.Nodes {
		addrs[i] = node.Addr()
	}
	return addrs
}

// Leader returns the node that leads. It waits until there is one.
func (e *Ensemble) Leader() *Server {
	e.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, node := range e.Nodes {
			if node.PID() == 0 {
				continue
			}
			// Short, for a node that is paused.
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			leads, err := e.leads(ctx, node.Addr())
			cancel()
			if leads {
				return node
			}
			if err != nil {
				last = err
			}
		}
	}
	e.t.Fatalf("no leader: %v", last)
	return nil
}

// Kill kills every node.
func (e *Ensemble) Kill() {
	for _, node := range e.Nodes {
		node.Kill()
	}
}

// Wipe takes their data from the nodes, which must be down.
func (e *Ensemble) Wipe() {
	e.t.Helper()
	for _, node := range e.Nodes {
		node.Wipe()
	}
}

// Start starts the nodes that are down, and returns once every node serves.
func (e *Ensemble) Start() {
	e.t.Helper()
	for _, node := range e.Nodes {
		if node.PID() == 0 {
			node.Spawn()
		}
	}
	for _, node := range e.Nodes {
		node.await()
	}
}

func etcdLeads(ctx context.Context, addr string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v3/maintenance/status", strings.NewReader("{}"))
	if err != nil {
		return false, err
	}
	body, err := do(req)
	if err != nil {
		return false, err
	}
	var status struct {
		Header struct {
			MemberID string `json:"member_id"`
		}
		Leader string
	}
	err = json.Unmarshal(body, &status)
	return err == nil && status.Leader != "" && status.Leader == status.Header.MemberID, err
}

func consulLeads(ctx context.Context, addr string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/agent/self", nil)
	if err != nil {
		return false, err
	}
	body, err := do(req)
	if err != nil {
		return false, err
	}
	var self struct {
		Stats struct{ Consul struct{ Leader string } }
	}
	err = json.Unmarshal(body, &self)
	return self.Stats.Consul.Leader == "true", err
}

func zooLeads(ctx context.Context, addr string) (bool, error) {
	answer, err := fourLetters(ctx, addr, "srvr")
	return bytes.Contains(answer, []byte("Mode: leader")), err
}
