package zookeeper

import (
	"fmt"
	"maps"
	"testing"
)

// TestBellOfASleeper: whoever comes and goes while nobody listens leaves nothing behind,
// and who was there before is not forgotten.
func TestBellOfASleeper(t *testing.T) {
	b := newBell()
	defer b.silence()
	for i := range 1000 {
		name := fmt.Sprint("x", i)
		for _, kind := range []int32{created, dataChanged, deleted, created, deleted} {
			b.tell(name, kind)
		}
		b.tell("was", deleted)
		b.tell("was and is", deleted)
		b.tell("was and is", created)
		b.tell("changed and went", dataChanged)
		b.tell("changed and went", deleted)
	}
	b.tell("is", created)
	want := map[string]bool{"was": false, "was and is": true, "changed and went": false, "is": true}
	if len(b.told) != len(want) || len(b.born) != 1 {
		t.Errorf("it keeps %d names, and of %d that they are new", len(b.told), len(b.born))
	}
	if _, told := b.take(); !maps.Equal(told, want) {
		t.Errorf("it tells %v", told)
	}
	b.tell("is", deleted) // it is known now
	if _, told := b.take(); !maps.Equal(told, map[string]bool{"is": false}) {
		t.Errorf("it tells %v", told)
	}
}
