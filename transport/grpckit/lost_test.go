package grpckit_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// A connection that is lost comes back, and meanwhile the others serve.
func TestALostConnectionIsPassedOver(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.ConsistentHash())
	f.answers(conn, f.members...)
	_ = f.members[0].Close() // and the registry does not know
	client := echopb.NewEchoClient(conn)
	eventually(t, "every call is served", func() bool {
		for range 20 {
			if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
				return false
			}
		}
		return true
	})
	_ = f.members[1].Close()
	_ = f.members[2].Close()
	eventually(t, "all are known to be gone", func() bool { return conn.GetState() == connectivity.TransientFailure })
	_, err := client.Say(within(t), &echopb.Message{})
	if !errors.Is(err, lb.ErrNoInstance) || !endpoint.IsNotProcessed(err) || !endpoint.IsLocal(err) {
		t.Errorf("without any connection the error is %v", err)
	}
	f.answers(conn, f.join())
}

// gate is in front of a server. While it is shut it accepts connections, which go
// nowhere; when it shuts it cuts those that there are.
type gate struct {
	net.Listener
	mu   sync.Mutex
	shut bool
	open []net.Conn
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Listener: l}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			if out := g.enter(in, to); out != nil {
				running.Go(func() { pipe(out, in) })
				running.Go(func() { pipe(in, out) })
			}
		}
	})
	t.Cleanup(func() { _ = l.Close(); g.set(true); g.set(false); running.Wait() })
	return g
}

// enter returns the connection to the server, or nil if the gate is shut.
func (g *gate) enter(in net.Conn, to string) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(g.open, in)
	if g.shut {
		return nil
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return nil
	}
	g.open = append(g.open, out)
	return out
}

// set shuts or opens the gate. Either way connections are made anew.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.open {
		_ = c.Close()
	}
	g.open, g.shut = nil, shut
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// gated starts one more server, behind a gate.
func (f *fleet) gated(t *testing.T) (*member, *gate) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, l.Addr().String())
	return f.start(l, g.Addr().String()), g
}

// losses are the ways to lose a connection: it is refused from then on, or the attempts
// to make it again hang.
var losses = map[string]func(*gate){
	"refused": func(g *gate) { _ = g.Close(); g.set(true) },
	"hanging": func(g *gate) { g.set(true) },
}

// noticed returns when the client knows that a connection was cut: a call may have been
// on it.
func (f *fleet) noticed(conn *grpc.ClientConn, lost *member) {
	f.t.Helper()
	client := echopb.NewEchoClient(conn)
	eventually(f.t, "the loss is noticed", func() bool {
		for range 8 {
			if m, err := client.Say(within(f.t), &echopb.Message{}); err != nil || m.GetText() == lost.Addr {
				return false
			}
		}
		return true
	})
}

// The calls that a lost instance would get go to all others, and not to one neighbour.
func TestTheCallsOfALostInstanceAreSpread(t *testing.T) {
	for how, lose := range losses {
		for name, strategy := range map[string]lb.Strategy{
			"round robin": lb.RoundRobin(), "weighted": lb.WeightedRoundRobin(), "ejecting": lb.Eject(lb.RoundRobin()),
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				f := newFleet(t, 3)
				lost, g := f.gated(t)
				conn := f.client(strategy)
				f.answers(conn, f.members...)
				lose(g)
				f.noticed(conn, lost)
				before := make([]int64, 3)
				for i := range before {
					before[i] = f.members[i].calls.Load()
				}
				client := echopb.NewEchoClient(conn)
				for range 300 {
					if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
						t.Fatal(err)
					}
				}
				// A fair share is 100, and 150 if one gets all that are left over.
				for i := range before {
					n := f.members[i].calls.Load() - before[i]
					if n > 135 || n < 65 {
						t.Errorf("member %d got %d calls of 300", i, n)
					}
				}
			})
		}
	}
}

// homes returns where a hundred keys are, once each has stayed there for two rounds: when
// an instance turns out to be away for longer than a moment, its keys may move once.
func (f *fleet) homes(client echopb.EchoClient) map[string]string {
	f.t.Helper()
	all := make(map[string]string)
	steady := 0
	eventually(f.t, "no key moves", func() bool {
		steady++
		for i := range 100 {
			key := fmt.Sprint("key ", i)
			m, err := client.Say(call.With(within(f.t), call.Key(key)), &echopb.Message{})
			if err != nil {
				f.t.Fatal(err)
			}
			if all[key] != m.GetText() {
				all[key], steady = m.GetText(), 0
			}
		}
		return steady == 2
	})
	return all
}

// The keys of a lost instance are spread over the others, each to one that stays the
// same, and come home with it. Nobody else's keys move.
func TestTheKeysOfALostInstanceStayTogether(t *testing.T) {
	for how, lose := range losses {
		for name, strategy := range map[string]lb.Strategy{
			"hash": lb.ConsistentHash(), "ejecting": lb.Eject(lb.ConsistentHash()),
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				f := newFleet(t, 3)
				lost, g := f.gated(t)
				conn := f.client(strategy)
				f.answers(conn, f.members...)
				client := echopb.NewEchoClient(conn)
				homes := func() map[string]string { return f.homes(client) }
				first := homes()
				lose(g)
				f.noticed(conn, lost)
				refuges := make(map[string]bool)
				for key, home := range homes() {
					switch {
					case home == lost.Addr:
						t.Errorf("%s is at the lost one", key)
					case first[key] == lost.Addr:
						refuges[home] = true
					case home != first[key]:
						t.Errorf("%s has moved from %s to %s", key, first[key], home)
					}
				}
				if len(refuges) < 2 {
					t.Errorf("the keys of the lost one are all at %v", refuges)
				}
				if how == "refused" {
					return // its port is gone
				}
				g.set(false)
				f.answers(conn, f.members...)
				for key, home := range homes() {
					if home != first[key] {
						t.Errorf("%s is at %s and not at home", key, home)
					}
				}
			})
		}
	}
}
