package rows

import (
	"context"
	"fmt"
	"strconv"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/go-kratos/kratos/v2/selector"
	"github.com/go-kratos/kratos/v2/selector/p2c"
	"github.com/go-kratos/kratos/v2/selector/random"
	"github.com/go-kratos/kratos/v2/selector/wrr"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
)

// PicksBesideKratos compares with the selectors of kratos, which count what is in
// flight and are told of each call's end too.
func PicksBesideKratos() []measure.Group {
	return []measure.Group{kratosGroup(false), kratosGroup(true)}
}

func kratosGroup(shared bool) measure.Group {
	g := pickGroup("Pick beside kratos", "Pick and release of both. kratos' p2c goes by latency, as Peak EWMA does, and "+
		"stands beside least request too, since it has no other choice of two. Weights are 1, 2 and 4 in turn.", shared)
	quarter := measure.Budget{Ratio: 0.25, NoAllocs: true}
	for _, n := range pickSizes {
		g.beside(fmt.Sprintf("least request of %d", n), ours(n, alike, lb.LeastRequest()),
			fmt.Sprintf("kratos p2c of %d", n), kratos(n, alike, p2c.NewBuilder()), quarter)
		g.beside(fmt.Sprintf("Peak EWMA of %d", n), ours(n, alike, lb.PeakEWMA()),
			fmt.Sprintf("kratos p2c of %d", n), nil, quarter)
	}
	g.beside("weighted round robin of 100", ours(100, spread, lb.WeightedRoundRobin()),
		"kratos wrr of 100", kratos(100, spread, wrr.NewBuilder()), quarter)
	g.beside("random of 100", ours(100, alike, lb.Random()),
		"kratos random of 100", kratos(100, alike, random.NewBuilder()), measure.Budget{NoAllocs: true})
	return g.Group
}

func kratos(n int, weight func(int) int, b selector.Builder) opener {
	return func() (measure.Loop, func(), error) {
		nodes := make([]selector.Node, n)
		for i, addr := range addrs(n) {
			nodes[i] = selector.NewNode("http", addr, &registry.ServiceInstance{
				Name: service, Metadata: map[string]string{"weight": strconv.Itoa(weight(i))},
			})
		}
		s := b.Build()
		s.Apply(nodes)
		return KratosPicks(s), func() {}, nil
	}
}

// KratosPicks selects and reports the end.
func KratosPicks(s selector.Selector) measure.Loop {
	ctx := context.Background()
	return func(n int) error {
		for range n {
			_, done, err := s.Select(ctx)
			if err != nil {
				return err
			}
			done(ctx, selector.DoneInfo{})
		}
		return nil
	}
}
