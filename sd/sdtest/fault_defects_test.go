package sdtest_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

// faultDefects are wrong only where networks, clients and entries are.
var faultDefects = []defect{
	{"comes back late from an outage", "OutageOutlastsLeases", "all registered took|truth took", placing(func(p *place) {
		p.ttl = ttl
		p.hold = func(ctx context.Context, p *place) error {
			err := heal(ctx, p)
			time.Sleep(time.Minute)
			return err
		}
	})},
	{"says nothing of an outage", "OutageOutlastsLeases", "the watch yields an error", watching(mute)},
	{"takes an empty registry apart piece by piece", "LostDataStabilized", "through sd.Stabilize the watch yields", watching(crumble)},
	{"keeps ghosts", "CutAndChurn", "is a ghost", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			all := make(map[string]*sd.Instance)
			for s, err := range sound {
				for _, in := range s {
					all[in.ID] = in
				}
				if err == nil {
					s = nil
					for _, id := range slices.Sorted(maps.Keys(all)) {
						s = append(s, all[id])
					}
				}
				if !yield(s, err) {
					return
				}
			}
		}
	})},
	{"sees who comes and goes, and no change", "CutAndChurn", "is stale", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			first := make(map[string]*sd.Instance)
			var last set
			for s, err := range sound {
				next := slices.Clone(s)
				for i, in := range s {
					if first[in.ID] == nil {
						first[in.ID] = in
					}
					next[i] = first[in.ID]
				}
				if err == nil && last != nil && slices.Equal(next, last) {
					continue
				}
				last = next
				if !yield(next, err) {
					return
				}
			}
		}
	})},
	{"waits in Register for the network", "CutBounds", "does not return", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Registrar
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			return inner.Register(context.WithoutCancel(ctx), in)
		})
	}},
	{"waits in Deregister for the network", "CutEndsDeregister", "Deregister without a deadline does not return", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner, mending := s.Registrar, make(chan struct{})
		for kind, cut := range s.Cuts {
			s.Cuts[kind] = func(t *testing.T) func() {
				heal := cut(t)
				return func() { heal(); close(mending) }
			}
		}
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			r, err := inner.Register(ctx, in)
			if err != nil {
				return nil, err
			}
			return sd.Keep(ctx, in, &place{put: func(context.Context, *place, sd.Instance) error { return nil }, hold: wait,
				remove: func(context.Context, *place) error { <-mending; return r.Deregister(context.Background()) }})
		})
	}},
	{"leaves a goroutine with its call", "CutEndsWatches", "a goroutine is left", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			go time.Sleep(24 * time.Hour)
			sound(yield)
		}
	})},
	{"leaves a goroutine where nobody is", "EmptySet", "a goroutine is left", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			go time.Sleep(24 * time.Hour)
			sound(yield)
		}
	})},
	{"leaves a goroutine that sync began", "CutEndsWatches", "a goroutine is left", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			var wg sync.WaitGroup
			wg.Go(func() { time.Sleep(24 * time.Hour) })
			sound(yield)
		}
	})},
	{"fights for its place", "CutSuccessor", "disturbs the successor|is not so", placing(func(p *place) {
		p.hold = func(ctx context.Context, p *place) error {
			wait, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-wait.Done()
			return errLost
		}
	})},
	{"says nothing of what it cannot read", "MalformedIsLeftOut", "the watch yields an error", watching(mute)},
	{"reports with every set what it cannot read", "MalformedIsLeftOut", "times more", watching(nag)},
	{"says nothing at first of what it cannot read", "MalformedAtFirst", "says nothing of malformed", watching(mute)},
	{"reports again at every set", "MalformedAtFirst", "reported again", watching(nag)},
	{"renews only the first registration of a client", "SharedClient", "is not so|the set changed", func(r *memory.Registry, service string, s *sdtest.Service) {
		twin := s.Twin
		placing(func(p *place) { p.ttl = ttl })(r, service, s)
		instancer, registrar := twin()
		lapsing := s.Registrar
		s.Registrar = registrar
		s.Twin = func() (sd.Instancer, sd.Registrar) { return instancer, lapsing }
	}},
	{"shows the set to anybody", "WatchRefused", "yields an error|yields, after", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		s.RefusedWatch = s.Instancer
	}},
	{"ends when its client is closed", "CloseMeetsWatches", "ended though its context is not done", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	})},
	{"tries again on a closed client", "CloseMeetsRegistrations", "does not return", func(r *memory.Registry, service string, s *sdtest.Service) {
		inner, shut, closed := s.Registrar, s.Close, new(atomic.Bool)
		s.Close = func(t *testing.T) { closed.Store(true); shut(t) }
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			if !closed.Load() {
				return inner.Register(ctx, in)
			}
			return sd.Keep(ctx, in, &place{registry: r, service: service, hold: wait, remove: remove,
				put: func(context.Context, *place, sd.Instance) error { return memory.ErrClosed }})
		})
	}},
}

// mute swallows errors.
func mute(_ context.Context, sound pairs) pairs {
	return func(yield func(set, error) bool) {
		var last set
		for s, err := range sound {
			if err != nil || last != nil && slices.Equal(s, last) {
				continue
			}
			if last = s; !yield(s, nil) {
				return
			}
		}
	}
}

// nag says the last error again with every set.
func nag(_ context.Context, sound pairs) pairs {
	return func(yield func(set, error) bool) {
		var last error
		for s, err := range sound {
			if err == nil && last != nil && !yield(nil, last) || !yield(s, err) {
				return
			}
			if err != nil {
				last = err
			}
		}
	}
}

// crumble makes of one change to the empty set many.
func crumble(_ context.Context, sound pairs) pairs {
	return func(yield func(set, error) bool) {
		var last set
		for s, err := range sound {
			for n := 1; err == nil && len(s) == 0 && n < len(last); n++ {
				time.Sleep(time.Second)
				if !yield(last[n:], nil) {
					return
				}
			}
			if err == nil {
				last = s
			}
			if !yield(s, err) {
				return
			}
		}
	}
}
