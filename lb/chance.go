package lb

import "math/rand/v2"

// chance is where random numbers come from: from a source, see [Seeded], or, if that
// is nil, from the process's, which needs no lock.
type chance struct{ source *rand.Rand }

// or returns a number from the source if there is one, else r, which comes from the
// process's: so the compiler can make of it what it was without a source, and one test.
func (c chance) or(r uint64) uint64 {
	if c.source != nil {
		return c.source.Uint64()
	}
	return r
}

// below returns a number from 0 to n-1.
func (c chance) below(n int) int {
	if c.source != nil {
		return c.source.IntN(n)
	}
	return rand.IntN(n)
}

// span is below for what may be more than an int holds, such as a time.
func (c chance) span(n int64) int64 {
	if c.source != nil {
		return c.source.Int64N(n)
	}
	return rand.Int64N(n)
}

// part returns a number from 0 to 1, which is not included.
func (c chance) part() float64 {
	if c.source != nil {
		return c.source.Float64()
	}
	return rand.Float64()
}

// chanceOf returns that of a strategy.
func chanceOf(s Strategy) chance {
	if s, ok := s.(*seeded); ok {
		return s.chance
	}
	return chance{}
}
