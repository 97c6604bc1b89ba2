package static

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/dowelkit/dowel/sd"
)

// NewInstancer returns an Instancer whose watches yield the instances and then
// wait until their context is done. No instance is a set of length 0. It copies
// the instances. A malformed one, or an ID that is listed twice, is an error: the
// first 20 faults are joined, with the number of the others.
func NewInstancer(instances ...sd.Instance) (sd.Instancer, error) {
	if err := check(instances); err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	found := make([]sd.Instance, len(instances))
	for i, in := range instances {
		in.Meta = maps.Clone(in.Meta)
		found[i] = in
	}
	return sd.InstancerFunc(list(sd.NextSet(nil, found)).watch), nil
}

type list []*sd.Instance

func (l list) watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		if ctx.Err() == nil && yield(l, nil) {
			<-ctx.Done()
		}
	}
}

// maxFaults is how many faults an error names. A file that is wrong is most often
// wrong in every line, and nobody reads ten thousand of them in a log.
const maxFaults = 20

// faults are the first of what is wrong with a list.
type faults struct {
	named []error
	more  int
}

func (f *faults) add(format string, args ...any) {
	if len(f.named) == maxFaults {
		f.more++
		return
	}
	f.named = append(f.named, fmt.Errorf(format, args...))
}

func (f *faults) err() error {
	if f.more > 0 {
		f.named = append(f.named, fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(f.named...)
}

// check is stricter than a registry: what a person wrote twice is a mistake, and
// to drop one silently would hide it.
func check(instances []sd.Instance) error {
	var f faults
	first := make(map[string]int, len(instances))
	for i, in := range instances {
		if err := in.Validate(); err != nil {
			f.add("instance %d: %w", i+1, err)
		}
		id := in.ID
		if id == "" {
			id = in.Addr
		}
		if j, twice := first[id]; twice {
			f.add("instance %d: ID %q is that of instance %d", i+1, id, j+1)
			continue
		}
		first[id] = i
	}
	return f.err()
}
