package etcd_test

import (
	"testing"

	"google.golang.org/grpc"
)

// TestDeadConnectionOfAUser: the client logs in before each stream, and over its own
// connection. When that is dead the new one must be enough.
func TestDeadConnectionOfAUser(t *testing.T) {
	beside(t)
	server := newGuarded(t)
	admin := dial(t, server.Addr(), as("root", "secret"))
	n := &network{}
	client := dial(t, server.Addr(), as("root", "secret"), with(grpc.WithContextDialer(n.dial)))
	w, _, _, r := outlive(t, n, client, admin)
	deregister(t, r)
	w.sees("y=y:1")
}
