package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// NewZooKeeper starts a ZooKeeper that ends with the test. It expires sessions
// from one second on, takes nodes of up to 4 MB and every four-letter word.
func NewZooKeeper(t testing.TB) *Server {
	t.Helper()
	return newZooKeepers(t, 1)[0]
}

// newZooKeepers starts as many nodes of one ensemble.
func newZooKeepers(t testing.TB, n int) []*Server {
	t.Helper()
	jars := install(t, servers.ZooKeeper)
	java, err := servers.Java()
	if err != nil {
		t.Fatal(err)
	}
	clients, quorum, election := Ports(t, n), Ports(t, n), Ports(t, n)
	var ensemble strings.Builder
	for i := range n {
		_, port, _ := net.SplitHostPort(election[i])
		fmt.Fprintf(&ensemble, "server.%d=%s:%s\n", i+1, quorum[i], port)
	}
	if n == 1 {
		ensemble.Reset() // a server that stands alone has no quorum
	}
	nodes := make([]*Server, n)
	for i := range nodes {
		nodes[i] = newServer(t, "zookeeper")
		config := filepath.Join(nodes[i].dir, "zoo.cfg")
		if err := os.WriteFile(config, []byte(zooConfig(nodes[i].data(), clients[i])+ensemble.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		nodes[i].launch(program{
			name: fmt.Sprintf("zookeeper %d", i+1),
			addr: clients[i],
			path: java,
			args: zooArgs(jars, config),
			prepare: func(data string) error {
				return os.WriteFile(filepath.Join(data, "myid"), []byte(strconv.Itoa(i+1)), 0o644)
			},
			ready: func(ctx context.Context) error { return zooServes(ctx, clients[i]) },
		})
	}
	for _, node := range nodes {
		node.await()
	}
	return nodes
}

// zooConfig returns the configuration of a node without its ensemble. A tick is
// the unit of session timeouts; the limits are ticks that a follower may need, on
// a busy machine.
func zooConfig(data, client string) string {
	host, port, _ := net.SplitHostPort(client)
	return fmt.Sprintf(`dataDir=%s
clientPortAddress=%s
clientPort=%s
tickTime=500
minSessionTimeout=1000
maxSessionTimeout=60000
initLimit=20
syncLimit=10
maxClientCnxns=0
`, data, host, port)
}

// zooArgs returns the arguments of java. What they turn off costs time at the start.
func zooArgs(jars, config string) []string {
	return []string{
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Djava.net.preferIPv4Stack=true",
		"-Dzookeeper.admin.enableServer=false", "-Dzookeeper.jmx.log4j.disable=true",
		"-Dzookeeper.4lw.commands.whitelist=*", "-Dzookeeper.forceSync=no", "-Djute.maxbuffer=4194304",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		// A distribution has its jars in lib.
		"-cp", filepath.Join(jars, "*") + string(os.PathListSeparator) + filepath.Join(jars, "lib", "*"),
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", config,
	}
}

// zooServes reports why a node does not serve. It answers ruok before it does.
func zooServes(ctx context.Context, addr string) error {
	answer, err := fourLetters(ctx, addr, "srvr")
	if err == nil && !bytes.Contains(answer, []byte("Mode:")) {
		err = errors.New(string(answer))
	}
	return err
}

// fourLetters asks a ZooKeeper by one of its four-letter words.
func fourLetters(ctx context.Context, addr, word string) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return nil, err
	}
	return io.ReadAll(conn)
}
