package lb_test

import (
	"context"
	"testing"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Who asks while a pick makes what the new set needs may hold locks that a hook needs: a
// collection of metrics does.
func TestEjectedRunsNoHook(t *testing.T) {
	for name, round := range map[string]func(lb.Strategy) lb.Strategy{
		"zone":                 func(s lb.Strategy) lb.Strategy { return lb.Zone("a", s, lb.ZoneCallers(1)) },
		"zone of a slow start": func(s lb.Strategy) lb.Strategy { return lb.Zone("a", lb.SlowStart(s), lb.ZoneCallers(1)) },
		"slow start of a zone": func(s lb.Strategy) lb.Strategy { return lb.SlowStart(lb.Zone("a", s, lb.ZoneCallers(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			set := zonesOf("aab")
			e, source := endpointer(t, sd.NextSet(nil, set), nil)
			var b *lb.Balancer[*client]
			told, asked, changed := 0, false, false
			inner := strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker {
				if changed && nodes[0].Instance().Zone == "b" { // which comes last
					before := told
					asked = true
					if _ = b.Ejected(); told != before {
						t.Error("a question runs the hook")
					}
				}
				return lb.RoundRobin().Picker(nodes, nil)
			})
			b = lb.New(e, round(lb.Eject(inner, lb.EjectFaults(1), lb.OnEject(func(lb.Ejection, bool) { told++ }))))
			call := func() {
				l, err := b.Pick(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if l.Instance().ID == "1" {
					err = context.DeadlineExceeded
				}
				l.Done(t.Context(), err)
			}
			for told == 0 {
				call()
			}
			source <- sd.NextSet(nil, append(set[:1:1], set[2]))
			await(t, func() bool { return e.Set().Len() == 2 })
			changed = true
			call()
			if !asked || told != 2 {
				t.Errorf("asked: %v; told %d times, want 2", asked, told)
			}
		})
	}
}
