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
// the instances. A malformed one, or an ID that is listed twice, is an error:
// all faults are joined.
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

// check is stricter than a registry: what a person wrote twice is a mistake, and
// to drop one silently would hide it.
func check(instances []sd.Instance) error {
	var faults []error
	first := make(map[string]int, len(instances))
	for i, in := range instances {
		if err := in.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("instance %d: %w", i+1, err))
		}
		id := in.ID
		if id == "" {
			id = in.Addr
		}
		if j, twice := first[id]; twice {
			faults = append(faults, fmt.Errorf("instance %d: ID %q is that of instance %d", i+1, id, j+1))
			continue
		}
		first[id] = i
	}
	return errors.Join(faults...)
}
