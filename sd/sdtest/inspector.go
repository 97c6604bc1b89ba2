package sdtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// inspector checks what one watch yields against every promise that concerns
// sets, in every case.
type inspector struct {
	faults []string
	last   []*sd.Instance
	any    bool // a set came before
	failed bool // an error came after it
	copies map[*sd.Instance]sd.Instance
	sets   []yielded
}

// yielded is a set and what was in it.
type yielded struct{ set, was []*sd.Instance }

// kept is how many sets of a watch are looked at again at its end.
const kept = 64

func (i *inspector) fault(format string, args ...any) {
	if len(i.faults) < 10 {
		i.faults = append(i.faults, fmt.Sprintf(format, args...))
	}
}

func (i *inspector) inspect(set []*sd.Instance, err error) {
	if err != nil {
		if set != nil {
			i.fault("the error %q comes with a set of %d", err, len(set))
		}
		i.failed = true
		return
	}
	if !i.ordered(set) {
		return
	}
	if i.any && !i.failed && slices.EqualFunc(i.last, set, (*sd.Instance).Equal) {
		i.fault("the set {%s} is yielded again though nothing changed", short(set))
	}
	i.pointers(set)
	if len(i.sets) < kept {
		i.sets = append(i.sets, yielded{set, slices.Clone(set)})
	}
	i.last, i.any, i.failed = set, true, false
}

// ordered checks a set by itself.
func (i *inspector) ordered(set []*sd.Instance) bool {
	for k, in := range set {
		switch {
		case in == nil || in.ID == "" || in.Addr == "":
			i.fault("a set holds an instance without an ID or an address: %+v", in)
			return false
		case k > 0 && set[k-1].ID == in.ID:
			i.fault("a set holds the ID %s twice", in.ID)
			return false
		case k > 0 && set[k-1].ID > in.ID:
			i.fault("a set is not sorted by ID: %s is before %s", set[k-1].ID, in.ID)
			return false
		}
	}
	return true
}

// pointers checks that an instance that stayed the same kept its pointer, and
// remembers what is behind each new pointer.
func (i *inspector) pointers(set []*sd.Instance) {
	p := 0
	for _, in := range set {
		for p < len(i.last) && i.last[p].ID < in.ID {
			p++
		}
		if p < len(i.last) && i.last[p] == in {
			continue
		}
		if p < len(i.last) && i.last[p].ID == in.ID && i.last[p].Equal(in) {
			i.fault("%s did not change, and its pointer did", in.ID)
		}
		i.remember(in)
	}
}

func (i *inspector) remember(in *sd.Instance) {
	if i.copies == nil {
		i.copies = make(map[*sd.Instance]sd.Instance)
	}
	if _, known := i.copies[in]; !known {
		was := *in
		was.Meta = maps.Clone(in.Meta)
		i.copies[in] = was
	}
}

// verify checks that nothing was written to after it was yielded.
func (i *inspector) verify() {
	for in, was := range i.copies {
		if !in.Equal(&was) {
			i.fault("the instance %+v was written to after it was yielded as %+v", *in, was)
		}
	}
	for _, y := range i.sets {
		if !slices.Equal(y.set, y.was) {
			i.fault("the set {%s} was written to after it was yielded as {%s}", short(y.set), short(y.was))
		}
	}
}
