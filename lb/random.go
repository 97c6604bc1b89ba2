package lb

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Random returns the strategy that picks every instance with the same
// probability. It needs no state at all.
func Random() Strategy { return random{} }

type random struct{ chance }

func (r random) Picker(nodes []*sd.Node, _ Picker) Picker {
	return &randomPicker{uint64(len(nodes)), r.chance}
}

type randomPicker struct {
	n uint64
	chance
}

func (p *randomPicker) Pick(context.Context, time.Duration) int {
	hi, _ := bits.Mul64(p.or(rand.Uint64()), p.n) // see two
	return int(hi)
}
