package rows

import (
	"context"
	"fmt"
	"io"
	"time"

	kit "github.com/go-kit/kit/endpoint"
	kitsd "github.com/go-kit/kit/sd"
	kitlog "github.com/go-kit/log"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

const service = "greeter"

// Addr returns the address of instance i. In their order they are sorted.
func Addr(i int) string { return fmt.Sprintf("10.%03d.%03d.1:8080", i/256, i%256) }

// addrs returns the first n addresses.
func addrs(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = Addr(i)
	}
	return out
}

// Cluster is n instances in a registry, each with a client.
type Cluster struct {
	Registry   *memory.Registry
	Endpointer *sd.Endpointer[*Client]
}

// NewCluster returns when every instance has its client.
func NewCluster(n int) (*Cluster, error) { return NewWeightedCluster(n, alike) }

// NewWeightedCluster is NewCluster of instances with weights.
func NewWeightedCluster(n int, weight func(i int) int) (*Cluster, error) {
	c := &Cluster{Registry: memory.NewRegistry()}
	set := make([]sd.Instance, n)
	for i, addr := range addrs(n) {
		set[i] = sd.Instance{Addr: addr, Weight: weight(i)}
	}
	if err := c.Registry.Set(service, set...); err != nil {
		return nil, err
	}
	c.Endpointer = sd.NewEndpointer(c.Registry.Instancer(service), dial)
	if err := until(func() bool { return c.Endpointer.Set().Len() == n }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func alike(int) int { return 1 }

// spread gives weights of 1, 2 and 4 in turn.
func spread(i int) int { return 1 << (i % 3) }

// skewed gives every thousandth instance, the first too, the weight of a thousand.
func skewed(i int) int {
	if i%1000 == 0 {
		return 1000
	}
	return 1
}

// Close closes the clients.
func (c *Cluster) Close() { _ = c.Endpointer.Close() }

func dial(_ context.Context, in *sd.Instance) (*Client, error) { return &Client{Addr: in.Addr}, nil }

// NewKitEndpointer returns Go kit's endpointer over the source when it has n
// endpoints.
func NewKitEndpointer(source kitsd.Instancer, n int) (*kitsd.DefaultEndpointer, error) {
	e := kitsd.NewEndpointer(source, kitDial, kitlog.NewNopLogger())
	err := until(func() bool {
		all, err := e.Endpoints()
		return err == nil && len(all) == n
	})
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func kitDial(addr string) (kit.Endpoint, io.Closer, error) {
	c := &Client{Addr: addr}
	return func(ctx context.Context, request any) (any, error) {
		m, ok := request.(Message)
		if !ok {
			return nil, errAnswer
		}
		return c.Greet(ctx, m)
	}, nil, nil
}

// until polls while things are set up.
func until(done func() bool) error {
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("rows: not ready in a minute")
		}
	}
	return nil
}
