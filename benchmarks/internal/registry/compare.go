package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/report"
)

// Title is that of the table.
const Title = "Registries"

// note explains the table of services of that many instances.
const note = "What a watch of a service of %d instances costs: from nothing to the first set, and one change of it that is " +
	"seen. Each cell is time, requests, and bytes read from the server, which runs beside it. Go kit does not see " +
	"changes of data at ZooKeeper. Consul answers every watch with the whole set, compressed."

// Table starts the registries and returns what a watcher of n instances costs at each,
// beside Go kit's. The servers end with t.
func Table(t testing.TB, n int) report.Table {
	t.Helper()
	table := report.Table{
		Name: Title, Note: fmt.Sprintf(note, n),
		Header: []string{"registry", "what", "ours", "Go kit", "bytes read, ratio"},
	}
	add := func(name string, ours, kit Costs) {
		for _, what := range []struct {
			name      string
			ours, kit Cost
		}{
			{"first set", ours.First, kit.First}, {"a change of data", ours.Change, kit.Change},
			{"one joins", ours.Join, kit.Join}, {"one leaves", ours.Leave, kit.Leave},
		} {
			row := []string{name, what.name, what.ours.cell(), "sees nothing", ""}
			if what.kit != (Cost{}) {
				row[3] = what.kit.cell()
				row[4] = fmt.Sprintf("%.4g", float64(what.ours.Traffic.ToClient)/float64(max(1, what.kit.Traffic.ToClient)))
			}
			table.Rows = append(table.Rows, row)
		}
	}
	e := NewEtcd(t)
	add("etcd", Measure(t, e, "Dowel", e.Dowel, n, false), Measure(t, e, "Go-kit", e.Kit, n, false))
	z := NewZooKeeper(t)
	add("ZooKeeper", Measure(t, z, "Dowel", z.Dowel, n, false), Measure(t, z, "Go-kit", z.Kit, n, true))
	c := NewConsul(t)
	add("Consul", Measure(t, c, "Dowel", c.Dowel, n, false), Measure(t, c, "Go-kit", c.Kit, n, false))
	return table
}

func (c Cost) cell() string {
	return fmt.Sprintf("%.4g ms, %d, %d B", float64(c.Time)/float64(time.Millisecond), c.Requests, c.Traffic.ToClient)
}
