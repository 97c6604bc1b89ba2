package grpckit_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

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

// losses are the ways to lose a connection: to make it again is refused, or hangs.
var losses = []string{"refused", "hanging"}

// The calls that a lost instance would get go to all others, and not to one neighbour:
// while the first attempt to make the connection again lasts, and later.
func TestTheCallsOfALostInstanceAreSpread(t *testing.T) {
	for _, how := range losses {
		for name, strategy := range map[string]lb.Strategy{
			"round robin": lb.RoundRobin(), "weighted": lb.WeightedRoundRobin(), "ejecting": lb.Eject(lb.RoundRobin()),
			"least request": lb.LeastRequest(),
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, wire := newWiredFleet(t, 4)
					conn := f.client(strategy, wire.option())
					defer conn.Close()
					f.answers(conn, f.members...)
					wire.lose(f.members[0].Addr, how)
					synctest.Wait()
					for _, when := range []string{"at once", "later"} {
						// A fair share is a third, and a half if one gets all that are left over.
						// What takes turns is even, and least request random while all are idle:
						// of 900 calls one share in 10¹³ is as far off as that.
						calls, by := 300, int64(1)
						if name == "least request" {
							calls, by = 900, 110
						}
						fair := int64(calls / 3)
						for i, n := range f.share(conn, calls)[1:] {
							if n < fair-by || n > fair+by {
								t.Errorf("%s: member %d got %d calls of %d", when, i+1, n, calls)
							}
						}
						time.Sleep(time.Second)
					}
					wire.restore(f.members[0].Addr)
					f.answers(conn, f.members...)
				})
			})
		}
	}
}

// share makes calls and returns how many each member got.
func (f *fleet) share(conn *grpc.ClientConn, calls int) []int64 {
	f.t.Helper()
	counts := make([]int64, len(f.members))
	for i, m := range f.members {
		counts[i] = -m.calls.Load()
	}
	client := echopb.NewEchoClient(conn)
	for range calls {
		if _, err := client.Say(within(f.t), &echopb.Message{}); err != nil {
			f.t.Fatal(err)
		}
	}
	for i, m := range f.members {
		counts[i] += m.calls.Load()
	}
	return counts
}

// The keys of a lost instance are spread over the others, each to one that stays the
// same, and come home with it. Nobody else's keys move.
func TestTheKeysOfALostInstanceStayTogether(t *testing.T) {
	for _, how := range losses {
		for name, strategy := range map[string]lb.Strategy{
			"hash": lb.ConsistentHash(), "ejecting": lb.Eject(lb.ConsistentHash()),
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, wire := newWiredFleet(t, 4)
					conn := f.client(strategy, wire.option())
					defer conn.Close()
					f.answers(conn, f.members...)
					first, lost := f.homes(conn), f.members[0].Addr
					wire.lose(lost, how)
					synctest.Wait()
					for _, when := range []string{"at once", "later"} {
						refuges := make(map[string]bool)
						for key, home := range f.homes(conn) {
							switch {
							case home == lost:
								t.Errorf("%s: %s is at the lost one", when, key)
							case first[key] == lost:
								refuges[home] = true
							case home != first[key]:
								t.Errorf("%s: %s has moved from %s to %s", when, key, first[key], home)
							}
						}
						if len(refuges) != 3 {
							t.Errorf("%s: the keys of the lost one are all at %v", when, refuges)
						}
						time.Sleep(time.Second)
					}
					wire.restore(lost)
					f.answers(conn, f.members...)
					for key, home := range f.homes(conn) {
						if home != first[key] {
							t.Errorf("%s is at %s and not at home", key, home)
						}
					}
				})
			})
		}
	}
}

// homes returns where a hundred keys are, which each call for one of them finds.
func (f *fleet) homes(conn *grpc.ClientConn) map[string]string {
	f.t.Helper()
	client, all := echopb.NewEchoClient(conn), make(map[string]string)
	for i := range 300 {
		key := fmt.Sprint("key ", i%100)
		m, err := client.Say(call.With(within(f.t), call.Key(key)), &echopb.Message{})
		if err != nil {
			f.t.Fatal(err)
		}
		if home := all[key]; home != "" && home != m.GetText() {
			f.t.Errorf("%s is at %s, then at %s", key, home, m.GetText())
		}
		all[key] = m.GetText()
	}
	return all
}
