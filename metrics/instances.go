package metrics

import (
	"strings"

	"github.com/dowelkit/dowel/sd"
)

// instances tells the first so many of a set one by one. One that is told by itself
// stays so until it leaves, and its place is then free for another.
type instances struct {
	most   int
	listed map[*sd.Node]*count
	others map[*sd.Node]*count
	other  uint64 // the picks of others, and of those that left since they were last told
}

// count is how many calls an instance was picked for.
type count struct {
	seen  uint32
	total uint64
}

func newInstances(c config) *instances {
	most := 100
	if c.bounded {
		most = c.instances
	}
	return &instances{most: most, listed: map[*sd.Node]*count{}, others: map[*sd.Node]*count{}}
}

func (in *instances) read(nodes []*sd.Node, tell tell) {
	if in.most == 0 {
		return
	}
	in.forget(nodes)
	load, more := int64(0), false
	for _, n := range nodes {
		if c := in.listed[n]; c != nil {
			c.advance(n)
			id := InstanceKey.String(n.Instance().ID)
			tell(instancePicks, float64(c.total), id)
			tell(instanceBalanced, float64(n.InFlight()), id)
			continue
		}
		in.other += in.others[n].advance(n)
		load, more = load+n.InFlight(), true
	}
	if more || in.other > 0 {
		tell(instancePicks, float64(in.other), InstanceKey.String(OtherInstances))
		tell(instanceBalanced, float64(load), InstanceKey.String(OtherInstances))
	}
}

// forget drops those that left and gives each that came a place.
func (in *instances) forget(nodes []*sd.Node) {
	there := make(map[*sd.Node]bool, len(nodes))
	for _, n := range nodes {
		there[n] = true
	}
	for _, known := range []map[*sd.Node]*count{in.listed, in.others} {
		for n := range known {
			if !there[n] {
				in.other += known[n].advance(n) // since it was told last
				delete(known, n)
			}
		}
	}
	for _, n := range nodes {
		switch {
		case in.listed[n] != nil || in.others[n] != nil:
		case len(in.listed) < in.most:
			in.listed[n] = new(count)
		default:
			in.others[n] = new(count)
		}
	}
}

// advance returns how many calls came since it was last asked. The node's count falls
// when a call is taken back: then the next one makes up for it.
func (c *count) advance(n *sd.Node) uint64 {
	now := n.Entered()
	more := int32(now - c.seen)
	if more <= 0 {
		return 0
	}
	c.seen, c.total = now, c.total+uint64(more)
	return uint64(more)
}

// snake makes a name of what is written in words.
func snake(words string) string { return strings.ReplaceAll(words, " ", "_") }
