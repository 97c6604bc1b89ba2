package etcd_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
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
	t.Cleanup(func() { // when watches and registrations have ended, and before the client does
		eventually(t, func() bool { return n.open() <= 1 }, func() string { return "spare connections are left" })
	})
	w := watch(t, newInstancer(t, client, "/s"))
	registrar, err := etcd.NewRegistrar(client, "/s", etcd.RegisterTTL(6*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	r := register(t, registrar, old)
	truth := watch(t, newInstancer(t, admin, "/s"))
	truth.sees("x=old:1")
	w.sees("x=old:1")

	n.forget()
	start := time.Now()
	register(t, newRegistrar(t, admin, "/s"), sd.Instance{ID: "y", Addr: "y:1"})
	w.sees("x=old:1", "y=y:1")
	t.Logf("the watch is back %v after its connection died", time.Since(start))
	time.Sleep(12*time.Second - time.Since(start)) // two times to live
	if _, sets, errs := truth.state(); sets > 2 || len(errs) > 0 {
		t.Errorf("the registration did not live through it: %d sets, %v", sets, errs)
	}
	if state := r.State(); !state.Registered {
		t.Errorf("%+v", state)
	}
	deregister(t, r)
	w.sees("y=y:1")
}
