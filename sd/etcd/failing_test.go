package etcd_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
)

// TestUpdateOfASilentServer: what was not renewed for a whole time to live has gone, though
// no Hold between two attempts lasts until a heartbeat is given up.
func TestUpdateOfASilentServer(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	proxy := testserver.NewProxy(t, server.Addr())
	registrar, err := etcd.NewRegistrar(dial(t, proxy.Addr()), "/s", etcd.RegisterTTL(3*time.Second), etcd.RegisterKeep(
		sd.KeepTimeout(time.Second), sd.KeepBackoff(sd.Backoff{Cap: time.Second / 2})))
	if err != nil {
		t.Fatal(err)
	}
	r := register(t, registrar, old)
	proxy.Cut(testserver.BothWays)
	in := r.Instance()
	in.Weight = 7
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.Update(ctx, in); err == nil {
		t.Error("Update returns nil")
	}
	eventually(t, func() bool { return !r.State().Registered }, func() string { return fmt.Sprintf("the state is %+v", r.State()) })
	proxy.Heal()
	if err := r.Update(t.Context(), in); err != nil || !r.State().Registered {
		t.Errorf("healed, Update returns %v, and the state is %+v", err, r.State())
	}
}
