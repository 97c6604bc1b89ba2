package lb

import (
	"math"
	"time"
)

// Booked reports whether each key that the picker of a PeakEWMA compares is that of the
// cost and the stamp beside it.
func Booked(p Picker) bool {
	e := p.(*ewmaPicker)
	for _, c := range e.cells {
		if c.key.Load() != e.key(time.Duration(c.stamp.Load()), math.Float64frombits(c.cost.Load())) {
			return false
		}
	}
	return true
}
