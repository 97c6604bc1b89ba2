package zookeeper_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

const web = "/services/web"

// names lists the nodes of path, as an operator sees them.
func (a admin) names(path string) (names []string) {
	a.Helper()
	a.insist("list "+path, func() (err error) {
		names, _, err = a.conn.Children(path)
		return err
	})
	return names
}

func (a admin) holds(path string, n int) {
	a.Helper()
	eventually(a, "the registry holds so many nodes", func() bool { return len(a.names(path)) == n })
}

// TestSessionExpires: the server expires the session of a registrant that lives.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	g := &gate{}
	client := connect(t, g.dial, server.Addr())
	w := watch(t, instancer(t, connectFor(t, patient, nil, server.Addr()), web))
	r := register(t, registrar(t, client, web), at("a"))
	w.sees("a")
	session, start := client.SessionID(), time.Now()
	g.close()
	w.sees()
	t.Logf("a session of %v: its instance is gone %v after its network", timeout, time.Since(start).Round(time.Millisecond))
	if state := r.State(); state.Registered || state.Err == nil {
		t.Errorf("the registration says %+v", state)
	} else {
		t.Logf("the registration says: %v", state.Err)
	}
	start = time.Now()
	g.open()
	w.sees("a")
	t.Logf("it is there again %v after its network", time.Since(start).Round(time.Millisecond))
	if client.SessionID() == session {
		t.Error("the session did not expire")
	}
	if n := len(w.failures()); n != 0 {
		t.Errorf("a watch with a session of its own yields %v", w.failures())
	}
}

// TestLostReply: the node is made and the reply is lost. The registration finds its
// node, or takes it out if Register has given up.
func TestLostReply(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	operator := newAdmin(t, server.Addr())
	operator.make(web, nil)
	tests := map[string]struct{ patience, outage time.Duration }{
		"found again":                {time.Minute, 0},
		"given up":                   {2 * time.Second, 0},
		"given up for a longer time": {2 * time.Second, 3 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			proxy := testserver.NewProxy(t, server.Addr())
			client := connectFor(t, patient, nil, proxy.Addr())
			session, patience := client.SessionID(), tt.patience
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			proxy.Cut(testserver.ToClient)
			type result struct {
				r   *sd.Registration
				err error
			}
			done := make(chan result, 1)
			go func() {
				r, err := registrar(t, client, web).Register(ctx, at("a"))
				done <- result{r, err}
			}()
			operator.holds(web, 1)
			if patience < time.Minute {
				<-ctx.Done()
			}
			if tt.outage > 0 {
				proxy.Refuse()
			}
			proxy.Reset()
			time.Sleep(tt.outage)
			proxy.Heal()
			got := <-done
			if (got.err == nil) != (patience == time.Minute) {
				t.Errorf("Register returns %v", got.err)
			}
			if got.err == nil {
				operator.holds(web, 1)
				deregister(t, got.r)
			}
			operator.holds(web, 0)
			if client.SessionID() != session {
				t.Error("the session did not survive, so nothing was shown")
			}
		})
	}
}

// TestCredentials: who may not read is told so at once, and is well as soon as that
// has changed. Credentials survive a reconnect.
func TestCredentials(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	proxy := testserver.NewProxy(t, server.Addr())
	owner := connect(t, nil, proxy.Addr())
	if err := owner.AddAuth("digest", []byte("web:secret")); err != nil {
		t.Fatal(err)
	}
	acl := zookeeper.RegisterACL(zk.DigestACL(zk.PermAll, "web", "secret")...)
	r := register(t, registrar(t, owner, web, acl), at("a"))

	stranger := connect(t, nil, server.Addr())
	w := watch(t, instancer(t, stranger, web))
	w.until("a refusal is told", func() bool { return len(w.failures()) > 0 })
	if err := w.failures()[0]; !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("without permission a watch yields %v", err)
	}
	start := time.Now()
	_, err := registrar(t, stranger, web).Register(t.Context(), at("b"))
	if !errors.Is(err, zk.ErrNoAuth) || time.Since(start) > 20*time.Second {
		t.Errorf("without permission Register returns %v after %v", err, time.Since(start))
	}
	if err := stranger.AddAuth("digest", []byte("web:secret")); err != nil {
		t.Fatal(err)
	}
	t.Logf("seen %v after the permission", w.sees("a").Round(time.Millisecond))

	proxy.Reset()
	in := at("a")
	in.Weight = 5
	update(t, r, in)
	w.has("the update", func(in *sd.Instance) bool { return in.Weight == 5 })

	// A server breaks the connection of whoever it cannot authenticate.
	if err := owner.AddAuth("nonsense", []byte("x")); err == nil {
		t.Error("the server knows a scheme that is none")
	}
	in.Weight = 6
	update(t, r, in)
	w.has("the update", func(in *sd.Instance) bool { return in.Weight == 6 })
	deregister(t, r)
	w.sees()
}

// TestRefusedUpdate: who may make a node and not write to it keeps it as it is.
func TestRefusedUpdate(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	client := connect(t, nil, server.Addr())
	register(t, registrar(t, client, web), at("b"))
	acl := zookeeper.RegisterACL(zk.WorldACL(zk.PermRead)...)
	r := register(t, registrar(t, client, web, acl), at("a"))
	in := at("a")
	in.Weight = 5
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.Update(ctx, in); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("Update returns %v", err)
	}
	eventually(t, "the state says that the node stands", func() bool { return r.State().Registered })
}

// TestParents: a missing path is made on request only, and stays.
func TestParents(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	operator := newAdmin(t, server.Addr())
	client := connect(t, nil, server.Addr())
	without, err := zookeeper.NewRegistrar(client, web)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, instancer(t, client, web))
	w.sees()
	start := time.Now()
	_, err = without.Register(t.Context(), at("a"))
	if !errors.Is(err, zk.ErrNoNode) || !strings.Contains(err.Error(), "RegisterParents") || time.Since(start) > 20*time.Second {
		t.Errorf("below a missing path Register returns %v after %v", err, time.Since(start))
	}
	r := register(t, registrar(t, client, web), at("a"))
	w.sees("a")
	deregister(t, r)
	w.sees()
	operator.holds(web, 0)
	// To make the last of the path takes no permission above it.
	operator.delete(web)
	operator.insist("lock the root", func() error {
		_, err := operator.conn.SetACL("/", zk.WorldACL(zk.PermRead|zk.PermAdmin), -1)
		return err
	})
	register(t, registrar(t, client, web), at("b"))
	w.sees("b")
	// A path that an operator has deleted is made again.
	for _, name := range operator.names(web) {
		operator.delete(web + "/" + name)
	}
	operator.delete(web) // fails if the registration was faster, which is as well
	eventually(t, "the registration is back", func() bool { return len(operator.names(web)) == 1 })
	w.sees("b")
}

// TestForeignNodes: what Curator, others and an operator write is read, and a change
// of data alone is seen.
func TestForeignNodes(t *testing.T) {
	t.Parallel()
	server := testserver.NewZooKeeper(t)
	operator := newAdmin(t, server.Addr())
	client := connect(t, nil, server.Addr())
	operator.make(web+"/b", []byte(`{"name":"web","id":"b","address":"192.0.2.1","port":80,"payload":{"v":"1"},"serviceType":"DYNAMIC"}`))
	operator.make(web+"/c0000000001", []byte("192.0.2.2:80"))
	operator.make(web+"/off", []byte(`{"name":"web","id":"off","address":"192.0.2.1","port":80,"enabled":false}`))
	register(t, registrar(t, client, web), at("a"))
	w := watch(t, instancer(t, client, web))
	w.sees("192.0.2.2:80", "a", "b")
	w.has("the payload", func(in *sd.Instance) bool { return in.ID == "b" && in.Addr == "192.0.2.1:80" && in.Meta["v"] == "1" })
	operator.set(web+"/b", []byte(`{"name":"web","id":"b","address":"192.0.2.1","port":80,"payload":{"v":"2"}}`))
	w.has("the new payload", func(in *sd.Instance) bool { return in.Meta["v"] == "2" })
	operator.set(web+"/off", []byte(`{"name":"web","id":"on","address":"192.0.2.1","port":81,"enabled":true}`))
	w.sees("192.0.2.2:80", "a", "b", "on")
	for _, name := range operator.names(web) {
		if strings.HasPrefix(name, "a-") { // drained by hand, which the registrant leaves be
			operator.set(web+"/"+name, []byte(`{"id":"a","addr":"a.example:80","weight":9}`))
		}
	}
	w.has("the weight by hand", func(in *sd.Instance) bool { return in.ID == "a" && in.Weight == 9 })
	if errs := w.failures(); len(errs) > 0 {
		t.Errorf("the watch yields %v", errs)
	}
}
