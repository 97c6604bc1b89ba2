package sd

import (
	"fmt"
	"slices"
	"strings"
)

// An outlet yields sets and errors to a consumer by the law of [Instancer]: an
// unchanged set is not yielded again unless an error came between, and an
// instance that did not change keeps its pointer, also over a restart of the
// source.
type outlet struct {
	yield  func([]*Instance, error) bool
	last   []*Instance
	known  bool // a set was yielded
	failed bool // an error was yielded since
}

// set returns false if the consumer broke off.
func (o *outlet) set(set []*Instance) bool {
	set = retain(o.last, set)
	if o.known && !o.failed && slices.Equal(set, o.last) {
		return true
	}
	o.last, o.known, o.failed = set, true, false
	return o.yield(set, nil)
}

// differs reports whether set has changed against the one yielded last.
func (o *outlet) differs(set []*Instance) bool {
	return !o.known || !slices.Equal(retain(o.last, set), o.last)
}

// fail returns false if the consumer broke off.
func (o *outlet) fail(err error) bool {
	o.failed = true
	return o.yield(nil, err)
}

// retain returns set with the pointers from prev of the instances that are equal,
// and prev itself if all are. Neither is written to.
func retain(prev, set []*Instance) []*Instance {
	next, p := set, 0
	for i, in := range set {
		if p < len(prev) && prev[p] == in {
			p++
			continue
		}
		for p < len(prev) && prev[p].ID < in.ID {
			p++
		}
		if p == len(prev) || prev[p].ID != in.ID {
			continue
		}
		if old := prev[p]; old != in && old.Equal(in) {
			if &next[0] == &set[0] {
				next = slices.Clone(set)
			}
			next[i] = old
		}
		p++
	}
	if prev != nil && slices.Equal(next, prev) {
		return prev
	}
	return next
}

// faults collects what is wrong with the arguments of a constructor.
type faults []string

func (f *faults) add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (f *faults) absent(source Instancer, name string) { f.add(absent(source), "%s is nil", name) }

// absent also knows the function that is nil and yet not a nil interface.
func absent(source Instancer) bool {
	fn, ok := source.(InstancerFunc)
	return source == nil || ok && fn == nil
}

// apply calls the options. One that is nil is a fault.
func apply[S any, O ~func(*S)](f *faults, settings *S, opts []O) {
	for _, opt := range opts {
		if opt == nil {
			f.add(true, "an option is nil")
			continue
		}
		opt(settings)
	}
}

// refuse panics if there is a fault, and names all.
func (f *faults) refuse(function string) {
	if len(*f) > 0 {
		panic("sd: " + function + ": " + strings.Join(*f, "; "))
	}
}
