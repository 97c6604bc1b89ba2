package sdtest_test

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

type (
	set   = []*sd.Instance
	pairs = iter.Seq2[set, error]
)

// defect is one way in which an adapter is wrong, and the case that must catch it.
type defect struct {
	name  string
	fails string // the case
	says  string // a pattern in what the case says
	spoil func(*memory.Registry, string, *sdtest.Service)
}

var defects = slices.Concat(watchDefects, lifetimeDefects, registrationDefects, faultDefects)

// watching makes a defect of what becomes of a sound watch.
func watching(change func(ctx context.Context, sound pairs) pairs) func(*memory.Registry, string, *sdtest.Service) {
	return func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Instancer
		s.Instancer = sd.InstancerFunc(func(ctx context.Context) pairs { return change(ctx, inner.Watch(ctx)) })
	}
}

// mapping makes a defect that replaces each set.
func mapping(change func(set) set) func(*memory.Registry, string, *sdtest.Service) {
	return watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if err == nil {
					s = change(s)
				}
				if !yield(s, err) {
					return
				}
			}
		}
	})
}

func clones(s set) set {
	next := make(set, len(s))
	for i, in := range s {
		c := *in
		next[i] = &c
	}
	return next
}

var watchDefects = []defect{
	{"repeats unchanged sets", "UnchangedNotRepeated", "yielded again though nothing changed",
		watching(func(_ context.Context, sound pairs) pairs {
			return func(yield func(set, error) bool) {
				for s, err := range sound {
					for range 2 {
						if !yield(s, err) {
							return
						}
					}
				}
			}
		})},
	{"changes pointers", "PointersKept", "its pointer did", mapping(clones)},
	{"is not sorted", "Sorted", "not sorted", mapping(func(s set) set { s = slices.Clone(s); slices.Reverse(s); return s })},
	{"yields duplicates", "DuplicateID", "twice", mapping(func(s set) set {
		if len(s) == 0 {
			return s
		}
		return append(set{s[0]}, s...)
	})},
	{"reads the first page only", "Many", "is not so", mapping(func(s set) set { return s[:min(len(s), 64)] })},
	{"forgets meta", "EveryField", "and saw", rebuilt(func(in *sd.Instance) { in.Meta = nil })},
	{"forgets the zone", "EveryField", "and saw", rebuilt(func(in *sd.Instance) { in.Zone = "" })},
	{"forgets the weight", "EveryField", "and saw", rebuilt(func(in *sd.Instance) { in.Weight = 0 })},
	{"forgets the brackets of IPv6", "EveryField", "and saw", rebuilt(func(in *sd.Instance) {
		if in.Addr[0] == '[' {
			in.Addr = in.Addr[1:]
		}
	})},
	{"leaves the ID empty", "EmptyIDIsAddr", "without an ID", mapping(func(s set) set {
		s = clones(s)
		for _, in := range s {
			in.ID = ""
		}
		return s
	})},
	{"never yields the empty set", "EmptySet", "watch (sees|of nobody)|empty set", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if (err != nil || len(s) > 0) && !yield(s, err) {
					return
				}
			}
		}
	})},
	{"begins with an empty set", "CurrentSetAtOnce", "the first that a watch yields", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			if !yield(set{}, nil) {
				return
			}
			for s, err := range sound {
				if !yield(s, err) {
					return
				}
			}
		}
	})},
	{"sees the services whose name begins with its own", "Isolation", "is not so|and a while later",
		func(r *memory.Registry, service string, s *sdtest.Service) {
			s.Instancer = sd.Merge(s.Instancer, r.Instancer(service+"bar"))
		}},
	{"erases the set on an error", "OutageKeepsTheSet", "is not so|yields, after",
		watching(func(_ context.Context, sound pairs) pairs {
			return func(yield func(set, error) bool) {
				for s, err := range sound {
					if err != nil {
						s = set{}
					}
					if !yield(s, nil) {
						return
					}
				}
			}
		})},
	{"yields error and set at once", "OutageKeepsTheSet", "comes with a set", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			var last set
			for s, err := range sound {
				if err == nil {
					last = s
				}
				if !yield(last, err) {
					return
				}
			}
		}
	})},
	{"tells a new watch in an outage that nobody is there", "OutageMeetsNewWatch", "without a registry the watch yields, after 0 errors, the set",
		watching(func(_ context.Context, sound pairs) pairs {
			return func(yield func(set, error) bool) {
				first := true
				for s, err := range sound {
					if first && err != nil && !yield(set{}, nil) {
						return
					}
					first = false
					if !yield(s, err) {
						return
					}
				}
			}
		})},
	{"does not yield the set again after an error", "OutageKeepsTheSet", "the watch sees",
		watching(func(_ context.Context, sound pairs) pairs {
			return func(yield func(set, error) bool) {
				var last set
				for s, err := range sound {
					if err == nil && last != nil && slices.Equal(last, s) {
						continue
					}
					if err == nil {
						last = s
					}
					if !yield(s, err) {
						return
					}
				}
			}
		})},
	{"freezes after its first error", "OutageKeepsTheSet", "the watch sees", watching(func(ctx context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if !yield(s, err) {
					return
				}
				if err != nil {
					<-ctx.Done()
				}
			}
		}
	})},
	{"does not heed ctx while it waits to try again", "OutageEndsWatches", "does not end", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if !yield(s, err) {
					return
				}
				if err != nil {
					time.Sleep(time.Hour)
				}
			}
		}
	})},
	{"ends after an error", "OutageKeepsTheSet", "ended though its context is not done", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	})},
	{"spins while the registry is down", "OutageKeepsTheSet", "without end", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			for s, err := range sound {
				for yield(s, err) {
					if err == nil {
						break
					}
				}
				if err != nil {
					return
				}
			}
		}
	})},
	{"writes to yielded instances", "SetsAreImmutable", "written to after it was yielded", func() func(*memory.Registry, string, *sdtest.Service) {
		return watching(func(_ context.Context, sound pairs) pairs {
			return func(yield func(set, error) bool) {
				mine := make(map[string]*sd.Instance)
				for s, err := range sound {
					next := make(set, len(s))
					for i, in := range s {
						if mine[in.ID] == nil {
							mine[in.ID] = new(sd.Instance)
						}
						*mine[in.ID] = *in
						next[i] = mine[in.ID]
					}
					if !yield(next, err) {
						return
					}
				}
			}
		})
	}()},
	{"uses the slice again", "SetsAreImmutable", "written to after it was yielded", watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			buf := make(set, 0, 100)
			for s, err := range sound {
				if buf = append(buf[:0], s...); err != nil {
					buf = nil
				}
				if !yield(buf, err) {
					return
				}
			}
		}
	})},
}

// rebuilt makes a defect that loses something of every instance and is right in
// all else.
func rebuilt(lose func(*sd.Instance)) func(*memory.Registry, string, *sdtest.Service) {
	return watching(func(_ context.Context, sound pairs) pairs {
		return func(yield func(set, error) bool) {
			var last set
			for s, err := range sound {
				if err == nil {
					found := make([]sd.Instance, len(s))
					for i, in := range s {
						found[i] = *in
						lose(&found[i])
					}
					s = sd.NextSet(last, found)
					last = s
				}
				if !yield(s, err) {
					return
				}
			}
		}
	})
}
