package zookeeper

import (
	"context"

	"github.com/go-zookeeper/zk"
)

// reply is what the client answers to any of its reads.
type reply struct {
	names  []string
	data   []byte
	exists bool
	stat   *zk.Stat
	trap   *trap
	err    error
}

// ask makes one read. A trap that is set when nobody waits for the reply any more
// goes into the armory.
func (v *view) ask(ctx context.Context, call func() reply) (reply, error) {
	r, err := do(ctx, call, func(r reply) {
		if r.trap != nil {
			v.armory.put(r.trap)
		}
	})
	if err == nil {
		err = r.err
	}
	return r, err
}

// arm makes t, which may be nil, the trap of what has that name.
func (v *view) arm(name string, of **trap, t *trap) {
	if *of = t; t != nil {
		v.bell.mind(name, t.sprung)
	}
}
