package sdtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// event is one pair that a watch yields.
type event struct {
	set []*sd.Instance
	err error
	at  time.Time
}

func (e event) String() string {
	if e.err != nil {
		return "error: " + e.err.Error()
	}
	return "{" + idsOf(e.set) + "}"
}

func lookup(set []*sd.Instance, id string) *sd.Instance {
	for _, in := range set {
		if in != nil && in.ID == id {
			return in
		}
	}
	return nil
}

func idsOf(set []*sd.Instance) string {
	var b strings.Builder
	for i, in := range set {
		if i > 0 {
			b.WriteByte(' ')
		}
		if in == nil {
			b.WriteString("<nil>")
			continue
		}
		b.WriteString(in.ID)
	}
	return b.String()
}

// short shows at most eight IDs.
func short(set []*sd.Instance) string {
	if len(set) > 8 {
		return fmt.Sprintf("%s … %d in all", idsOf(set[:8]), len(set))
	}
	return idsOf(set)
}
