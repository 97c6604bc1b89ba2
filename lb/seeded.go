package lb

import (
	"errors"
	"math/rand/v2"
)

// Seeded returns the strategy with its chance taken from source: all that it, the
// strategies inside it and a [Balancer] that [New] makes with it draw at random; what
// wraps it otherwise, as a transport may, draws its own. It is for simulations and
// tests: the same seed, the same calls and the same times give the same picks. It is
// not for production, where two processes with one seed would pick alike and meet at
// the same instance.
//
// It goes outermost, round [Eject], [SlowStart] and [Zone] and whatever is in them.
// A strategy that is not [Seedable] draws as it did. The result is safe for
// concurrent use if source is, which those of math/rand/v2 are not. The waiting of
// [Retry] is no strategy's. Seeded panics if strategy or source is nil.
func Seeded(strategy Strategy, source rand.Source) Strategy {
	var faults []error
	if strategy == nil {
		faults = append(faults, errors.New("the strategy is nil"))
	}
	if source == nil {
		faults = append(faults, errors.New("the source is nil"))
	}
	refuse("Seeded", faults)
	r, ok := source.(*rand.Rand)
	if !ok {
		r = rand.New(source)
	}
	return &seeded{seed(strategy, r), chance{r}}
}

// Seedable is a Strategy that can be [Seeded], as all of this package are.
type Seedable interface {
	Strategy
	// Seeded returns a strategy with the same settings that draws from r and from
	// nothing else. One that has another inside returns it round lb.Seeded of
	// that.
	Seeded(r *rand.Rand) Strategy
}

func seed(s Strategy, r *rand.Rand) Strategy {
	if s, ok := s.(Seedable); ok {
		return s.Seeded(r)
	}
	return s
}

// seeded is a strategy, and where a balancer draws what it draws itself.
type seeded struct {
	Strategy
	chance
}

// Seeded puts r in the place of the source that the strategy had.
func (s *seeded) Seeded(r *rand.Rand) Strategy { return seed(s.Strategy, r) }

func (random) Seeded(r *rand.Rand) Strategy             { return random{chance{r}} }
func (roundRobin) Seeded(r *rand.Rand) Strategy         { return roundRobin{chance{r}} }
func (weightedRoundRobin) Seeded(r *rand.Rand) Strategy { return weightedRoundRobin{chance{r}} }
func (leastRequest) Seeded(r *rand.Rand) Strategy       { return leastRequest{chance{r}} }

func (e ewma) Seeded(r *rand.Rand) Strategy {
	e.chance = chance{r}
	return &e
}

func (h hashing) Seeded(r *rand.Rand) Strategy {
	h.chance = chance{r}
	return &h
}

func (s leastLoaded) Seeded(r *rand.Rand) Strategy {
	s.chance = chance{r}
	return &s
}

func (e ejector) Seeded(r *rand.Rand) Strategy {
	e.chance, e.inner = chance{r}, seed(e.inner, r)
	return &e
}

func (s slowStarter) Seeded(r *rand.Rand) Strategy {
	s.chance, s.inner = chance{r}, seed(s.inner, r)
	return &s
}

func (z zone) Seeded(r *rand.Rand) Strategy {
	z.chance, z.inner = chance{r}, seed(z.inner, r)
	return &z
}
