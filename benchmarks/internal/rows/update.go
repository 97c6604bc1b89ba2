package rows

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Updates compares how a change in a set of n gets from the registry to a pick.
func Updates(n int) measure.Group {
	g := measure.Group{
		Name: fmt.Sprintf("Update of a set of %d", n),
		Note: "One instance joins or leaves, and a client picks until a pick knows it. Ours goes from the in-memory " +
			"registry through Endpointer and Balancer, a registration and a dial included; Go kit's from its ZooKeeper " +
			"instancer, whose client here is a list in memory, through Endpointer and Balancer.",
		Stretch: 2,
		Contestants: []measure.Contestant{
			{Name: "dowel", Per: 2, Open: func() (measure.Loop, func(), error) { return openUpdate(NewChanging(n)) }},
			{Name: "Go kit", Per: 2, Open: func() (measure.Loop, func(), error) { return openUpdate(NewKitChanging(n)) }},
		},
		Rows: []measure.Row{{What: "a change", Ours: "dowel", Peer: "Go kit"}},
	}
	if n >= 10_000 {
		g.Stretch = 5
		g.Rows[0].Budget = measure.Budget{Ratio: 0.2, ByteRatio: 0.35}
	}
	return g
}

// Changing is a set of instances that one more joins and leaves.
type Changing interface {
	// Join and Leave return when the registry knows.
	Join() error
	Leave() error
	// Pick picks, and returns how many instances the picker knows of.
	Pick() (known int, err error)
	Close()
}

func openUpdate[C Changing](c C, err error) (measure.Loop, func(), error) {
	if err != nil {
		return nil, nil, err
	}
	before, err := c.Pick()
	if err != nil {
		return nil, nil, err
	}
	return func(turns int) error {
		for range turns {
			err := errors.Join(c.Join(), see(c, before+1), c.Leave(), see(c, before))
			if err != nil {
				return err
			}
		}
		return nil
	}, c.Close, nil
}

// see picks until a pick knows of so many instances.
func see(c Changing, want int) error {
	var deadline time.Time
	for tries := 0; ; tries++ {
		known, err := c.Pick()
		if err != nil || known == want {
			return err
		}
		if tries%1000 == 999 { // the clock is not what is measured
			if deadline.IsZero() {
				deadline = time.Now().Add(time.Minute)
			} else if time.Now().After(deadline) {
				return fmt.Errorf("rows: a pick knows of %d instances and not of %d", known, want)
			}
		}
		runtime.Gosched()
	}
}

// changing is a cluster with a balancer.
type changing struct {
	*Cluster
	balancer *lb.Balancer[*Client]
	strategy *counting
	joiner   sd.Registrar
	joined   *sd.Registration
	extra    sd.Instance
}

// NewChanging returns n instances of ours.
func NewChanging(n int) (Changing, error) {
	c, err := NewCluster(n)
	if err != nil {
		return nil, err
	}
	s := &counting{Strategy: lb.RoundRobin()}
	return &changing{
		Cluster: c, balancer: lb.New(c.Endpointer, s), strategy: s,
		joiner: c.Registry.Registrar(service), extra: sd.Instance{Addr: Addr(n)},
	}, nil
}

func (c *changing) Join() (err error) {
	c.joined, err = c.joiner.Register(context.Background(), c.extra)
	return err
}

func (c *changing) Leave() error { return c.joined.Deregister(context.Background()) }

func (c *changing) Pick() (int, error) {
	ctx := context.Background()
	lease, err := c.balancer.Pick(ctx)
	if err != nil {
		return 0, err
	}
	lease.Done(ctx, nil)
	return c.strategy.known, nil
}

// counting notes for how many nodes the last picker was made. Only the goroutine
// that picks makes one.
type counting struct {
	lb.Strategy
	known int
}

func (s *counting) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker {
	s.known = len(nodes)
	return s.Strategy.Picker(nodes, prev)
}
