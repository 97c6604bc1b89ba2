package sd_test

import (
	"slices"
	"testing"

	"github.com/dowelkit/dowel/sd"
)

func heavy(a, _, _ sd.Instancer) sd.Instancer {
	return sd.Filter(a, func(in *sd.Instance) bool { return in.Weight > 1 })
}

func TestFilter(t *testing.T) {
	play(t, heavy, []step{
		{"a: w*5 x y*3 z", "[w*5 y*3]"},
		{"a: w*5 x y*3", ""}, // what is filtered out changes nothing
		{"a: w*5 x*2 y*3", "[w*5 x*2 y*3]"},
		{"a! down", "!down"},
		{"a: x", "[]"},
		{"a:", ""},
		{"a: x*7", "[x*7]"},
	})
}

func TestFilterDoesNotWriteToTheSet(t *testing.T) {
	set := sd.NextSet(nil, parse("a", "b", "c", "d"))
	before := slices.Clone(set)
	got := first(t, sd.Filter(fixed(set), func(in *sd.Instance) bool { return in.ID != "b" }))
	if written(got) != "[a c d]" || !slices.Equal(set, before) {
		t.Errorf("got %s, and the source's set is %s", written(got), written(set))
	}
}

func TestFilterPassesAnUnfilteredSetWithoutCopy(t *testing.T) {
	set := sd.NextSet(nil, parse("a", "b"))
	got := first(t, sd.Filter(fixed(set), func(*sd.Instance) bool { return true }))
	if &got[0] != &set[0] {
		t.Error("the set was copied")
	}
}
