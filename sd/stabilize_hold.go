package sd

import "time"

// A stabilizer decides which removals of its source to believe. It is told the
// time and has no clock of its own.
type stabilizer struct {
	stability
	out    outlet
	newest []*Instance // what the source says
	served []*Instance // newest and what is held
	known  bool
	failed bool      // the source is in error
	sound  time.Time // from when on the source is believed again; zero is always
	vacant time.Time // since when newest is empty and held off; zero if it is not
}

// note takes a set from the source.
func (s *stabilizer) note(set []*Instance, now time.Time) {
	trouble := s.failed
	switch {
	case len(set) > 0:
		// Who was wrongly empty fills up again one by one, without an error.
		trouble = trouble || !s.vacant.IsZero()
		s.vacant = time.Time{}
	case len(s.served) > 0 && s.vacant.IsZero():
		s.vacant = now
	}
	if trouble {
		s.sound = now.Add(s.grace)
	}
	s.newest, s.known, s.failed = set, true, false
}

// settle returns the set to serve, and how long until it may change by itself;
// zero means never. It must not be called while the source is in error.
func (s *stabilizer) settle(now time.Time) ([]*Instance, time.Duration) {
	from := s.sound
	if !s.vacant.IsZero() {
		if expiry := s.vacant.Add(s.empty); expiry.After(from) {
			from = expiry
		}
	}
	wait := from.Sub(now)
	if !from.After(now) {
		s.served, s.vacant = s.newest, time.Time{}
		return s.served, 0
	}
	held := missing(s.served, s.newest)
	if len(held) == 0 {
		s.served = s.newest
		return s.served, 0
	}
	s.served = union(s.newest, held)
	return s.served, wait
}

// missing returns those of served that newest lacks, except where another
// instance has taken the address.
func missing(served, newest []*Instance) []*Instance {
	var gone []*Instance
	n := 0
	for _, in := range served {
		for n < len(newest) && newest[n].ID < in.ID {
			n++
		}
		if n == len(newest) || newest[n].ID != in.ID {
			gone = append(gone, in)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	taken := make(map[string]bool, len(newest))
	for _, in := range newest {
		taken[in.Addr] = true
	}
	held := gone[:0]
	for _, in := range gone {
		if !taken[in.Addr] {
			held = append(held, in)
		}
	}
	return held
}
