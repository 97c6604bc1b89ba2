package lb_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// source is an Instancer whose sets the test pushes.
type source chan []*sd.Instance

func (s source) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		for {
			select {
			case set := <-s:
				if !yield(set, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// instances returns n instances i0000, i0001 and so on.
func instances(n int) []*sd.Instance {
	found := make([]sd.Instance, n)
	for i := range found {
		found[i] = sd.Instance{ID: fmt.Sprintf("i%04d", i), Addr: fmt.Sprintf("10.0.%d.%d:80", i/256, i%256)}
	}
	return sd.NextSet(nil, found)
}

// fixed returns the strategy with a chance that is the same each time, so that what
// is said of many picks holds always or never.
func fixed(s lb.Strategy) lb.Strategy { return lb.Seeded(s, &shared{source: rand.NewPCG(1, 2)}) }

// shared is a source for several goroutines.
type shared struct {
	mu     sync.Mutex
	source rand.Source
}

func (s *shared) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Uint64()
}

// client answers with the ID of its instance, or as reply says.
type client struct {
	id    string
	reply func(ctx context.Context, id, req string) (string, error)
}

func (c *client) Call(ctx context.Context, req string) (string, error) {
	if c.reply != nil {
		return c.reply(ctx, c.id, req)
	}
	return c.id, nil
}

type reply = func(ctx context.Context, id, req string) (string, error)

// endpointer returns one that has dialed the set.
func endpointer(t testing.TB, set []*sd.Instance, r reply) (*sd.Endpointer[*client], source) {
	t.Helper()
	src := make(source, 1)
	e := sd.NewEndpointer(src, func(_ context.Context, in *sd.Instance) (*client, error) {
		return &client{id: in.ID, reply: r}, nil
	})
	t.Cleanup(func() { _ = e.Close() })
	src <- set
	await(t, func() bool { return e.Set().Len() == len(set) })
	return e, src
}

// await polls: outside a bubble there is nothing to wait on.
func await(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute")
		}
	}
}

// A node counts the picks that led to it and no others, such as a first draw that
// was taken back.
func TestWhatEntersIsWhatWasPicked(t *testing.T) {
	for name, strategy := range map[string]lb.Strategy{
		"random": lb.Random(), "round robin": lb.RoundRobin(), "least request": lb.LeastRequest(), "peak": lb.PeakEWMA(),
	} {
		t.Run(name, func(t *testing.T) { countPicks(t, strategy) })
	}
}

func countPicks(t *testing.T, strategy lb.Strategy) {
	e, _ := endpointer(t, instances(4), nil)
	balancer := lb.New(e, strategy)
	picked := map[string]uint32{}
	for range 400 { // all stay in flight, so that least request looks twice
		l, err := balancer.Pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		picked[l.Instance().ID]++
		defer l.Done(t.Context(), nil)
	}
	for _, n := range e.Set().Nodes() {
		if n.Entered() != picked[n.Instance().ID] {
			t.Errorf("%d entered %s, picked were %d", n.Entered(), n.Instance().ID, picked[n.Instance().ID])
		}
	}
	if e.Entered() != 400 || balancer.Endpointer() != e {
		t.Errorf("%d entered, want 400", e.Entered())
	}
}

func BenchmarkPick(b *testing.B) {
	for _, s := range []struct {
		name     string
		strategy lb.Strategy
	}{{"random", lb.Random()}, {"round robin", lb.RoundRobin()}, {"least request", lb.LeastRequest()}} {
		for _, n := range []int{3, 100, 10000} {
			e, _ := endpointer(b, instances(n), nil)
			balancer := lb.New(e, s.strategy)
			ctx := b.Context()
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					l, err := balancer.Pick(ctx)
					if err != nil {
						b.Fatal(err)
					}
					l.Done(ctx, nil)
				}
			})
		}
	}
}
