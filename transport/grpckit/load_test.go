package grpckit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	orcapb "github.com/cncf/xds/go/xds/data/orca/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/orca"
	"google.golang.org/protobuf/proto"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// busy is a utilization in percent.
type busy struct{ atomic.Int64 }

func (b *busy) utilization() float64 { return float64(b.Load()) / 100 }

// laden returns a fleet of two that report how busy they are, and its loads.
func laden(t *testing.T) (f *fleet, first, second *busy) {
	f, first, second = newFleet(t, 0), new(busy), new(busy)
	first.Store(50)
	second.Store(50)
	f.join(grpckit.ReportLoad(first.utilization))
	f.join(grpckit.ReportLoad(second.utilization))
	return f, first, second
}

// follows looks whether calls go to whom they should by the load.
func follows(t *testing.T, first, second *busy, ask func() string, firstID, secondID string) {
	t.Helper()
	for round := range 4 {
		idle, id := first, firstID
		if round%2 == 1 {
			idle, id = second, secondID
		}
		worse := max(first.Load(), second.Load()) + 1
		first.Store(worse) // so that who is shunned, at less, is asked again
		second.Store(worse)
		idle.Store(10)
		row := 0
		eventually(t, "it is known", func() bool { // of whoever has not reported nothing is
			if row++; ask() != id {
				row = 0
			}
			return row == 20
		})
		for range 30 {
			if home := ask(); home != id {
				t.Errorf("round %d: a call went to %s and not to %s", round, home, id)
			}
		}
	}
}

func TestCallsGoToWhoSaysItIsIdle(t *testing.T) {
	f, first, second := laden(t)
	loads := new(lb.Loads)
	conn := f.client(lb.LeastLoaded(loads, lb.LoadExpiry(time.Hour)), grpckit.ReportTo(loads))
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	t.Run("calls", func(t *testing.T) {
		follows(t, first, second, func() string {
			m, err := client.Say(within(t), &echopb.Message{})
			if err != nil {
				t.Fatal(err)
			}
			return m.GetText()
		}, f.members[0].Addr, f.members[1].Addr)
	})
	t.Run("streams", func(t *testing.T) {
		follows(t, first, second, func() string {
			s, err := client.List(within(t), &echopb.Message{N: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = drain(s) }()
			return peerOf(t, s)
		}, f.members[0].Addr, f.members[1].Addr)
	})
	t.Run("errors", func(t *testing.T) {
		failed := error(&endpoint.Error{Code: endpoint.NotFound}) // which is no fault
		f.members[0].fail.Store(&failed)
		f.members[1].fail.Store(&failed)
		follows(t, first, second, func() string {
			_, err := client.Say(within(t), &echopb.Message{})
			e, ok := errors.AsType[*endpoint.Error](err)
			if !ok {
				t.Fatal(err)
			}
			return e.Instance
		}, f.members[0].Addr, f.members[1].Addr)
	})
}

// With one connection for each instance the loads go by the instance's ID.
func TestLoadsOfAConnectionForEachInstance(t *testing.T) {
	f, first, second := laden(t)
	if err := f.registry.Set("echo", sd.Instance{ID: "a", Addr: f.members[0].Addr}, sd.Instance{ID: "b", Addr: f.members[1].Addr}); err != nil {
		t.Fatal(err)
	}
	loads := new(lb.Loads)
	clients := sd.NewEndpointer(f.registry.Instancer("echo"), grpckit.Dialer(echopb.NewEchoClient, grpckit.ReportTo(loads)))
	defer clients.Close()
	eventually(t, "both are dialed", func() bool { return clients.Status().Live == 2 })
	say := lb.Endpoint(lb.New(clients, lb.LeastLoaded(loads, lb.LoadExpiry(time.Hour))), grpckit.Method(echopb.EchoClient.Say))
	follows(t, first, second, func() string {
		m, err := say(within(t), &echopb.Message{})
		if err != nil {
			t.Fatal(err)
		}
		return m.GetText()
	}, f.members[0].Addr, f.members[1].Addr)
}

// Servers of grpc-go's own report by its package orca: through interceptors, by whatever
// handler.
func TestLoadsOfPlainServers(t *testing.T) {
	first, second := new(busy), new(busy)
	first.Store(50)
	second.Store(50)
	plain := func(b *busy, application bool) string {
		s := grpc.NewServer(orca.CallMetricsServerOption(nil))
		var addr string
		addr = serve(t, s, &echo{say: func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
			r := orca.CallMetricsRecorderFromContext(ctx)
			if r.SetCPUUtilization(b.utilization()); application {
				r.SetCPUUtilization(0.5)
				r.SetApplicationUtilization(b.utilization())
			}
			r.SetMemoryUtilization(0.3)
			r.SetNamedMetric("queue", 7)
			return &echopb.Message{Text: addr}, nil
		}})
		return addr
	}
	a, b := plain(first, true), plain(second, false)
	f := newFleet(t, 0)
	one, other := &member{Instance: *instances(a)[0]}, &member{Instance: *instances(b)[0]}
	f.publish(one, other)
	loads := new(lb.Loads)
	conn := f.client(lb.LeastLoaded(loads, lb.LoadExpiry(time.Hour)), grpckit.ReportTo(loads))
	f.answers(conn, one, other)
	client := echopb.NewEchoClient(conn)
	follows(t, first, second, func() string {
		m, err := client.Say(within(t), &echopb.Message{})
		if err != nil {
			t.Fatal(err)
		}
		return m.GetText()
	}, a, b)
}

// The reverse: what our server says is a report by gRPC's own definition.
func TestPlainClientsUnderstandLoads(t *testing.T) {
	var trailer metadata.MD
	client := echopb.NewEchoClient(dialPlain(t, serve(t, grpckit.NewServer(grpckit.ReportLoad(func() float64 { return 0.75 })), &echo{say: repeat})))
	if _, err := client.Say(within(t), &echopb.Message{}, grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	got := new(orcapb.OrcaLoadReport)
	if values := trailer.Get("endpoint-load-metrics-bin"); len(values) != 1 || proto.Unmarshal([]byte(values[0]), got) != nil {
		t.Fatalf("the trailer is %q", trailer)
	}
	if want := (&orcapb.OrcaLoadReport{ApplicationUtilization: 0.75}); !proto.Equal(got, want) {
		t.Errorf("the report is %v", got)
	}
}

func TestALoadThatIsNoneIsNotReported(t *testing.T) {
	for _, u := range []float64{-1, math.NaN(), math.Inf(1), math.MaxFloat64} {
		var trailer metadata.MD
		client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(grpckit.ReportLoad(func() float64 { return u })), &echo{say: repeat})))
		if _, err := client.Say(within(t), &echopb.Message{}, grpc.Trailer(&trailer)); err != nil || len(trailer) > 0 {
			t.Errorf("of %v: %v, %v", u, trailer, err)
		}
	}
}

// What comes in is whatever a stranger sends: of it only a utilization is taken.
func FuzzReported(f *testing.F) {
	for _, u := range []float64{0, 0.5, 1, -1, math.Inf(1), math.NaN()} {
		f.Add(binary.LittleEndian.AppendUint64([]byte{9<<3 | 1}, math.Float64bits(u)))
		f.Add(binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, math.Float64bits(u)))
	}
	f.Add([]byte{9<<3 | 1, 1, 2})
	f.Add([]byte("\x09\x00\x00\x00\x00\x00\x00\xe0\x3f\xff"))
	f.Fuzz(func(t *testing.T, report []byte) {
		u, ok := grpckit.Reported(metadata.MD{"endpoint-load-metrics-bin": {string(report)}})
		if !ok {
			return
		}
		new(lb.Loads).Of("x").Report(u) // which panics if it is none
		if again, ok := grpckit.Reported(grpckit.LoadReport(u)); !ok || again != u {
			t.Errorf("of %v comes back %v, %v", u, again, ok)
		}
	})
}
