package registry_test

import (
	"strings"
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/registry"
)

// The sizes of the services that are compared.
const few, many = 500, 5000

func TestEtcd(t *testing.T) {
	r := registry.NewEtcd(t)
	small := registry.Measure(t, r, "Dowel", r.Dowel, few, false)
	large := registry.Measure(t, r, "Dowel", r.Dowel, many, false)
	registry.Measure(t, r, "Go-kit", r.Kit, few, false)
	kit := registry.Measure(t, r, "Go-kit", r.Kit, many, false)

	doesNotGrow(t, "change", small.Change, large.Change, 0)
	doesNotGrow(t, "join", small.Join, large.Join, 0)
	doesNotGrow(t, "leave", small.Leave, large.Leave, 0)
	noMore(t, "first", large.First, kit.First)
}

// doesNotGrow allows for some more, which is known, and for a heartbeat.
func doesNotGrow(t *testing.T, what string, small, large registry.Cost, more int64) {
	t.Helper()
	const slack = 1 << 10
	if got := large.Traffic.ToClient - small.Traffic.ToClient; got > more+slack {
		t.Errorf("%s: %d bytes more are read with %d instances than with %d", what, got, many, few)
	}
	if got := large.Traffic.ToServer - small.Traffic.ToServer; got > slack {
		t.Errorf("%s: %d bytes more are written with %d instances than with %d", what, got, many, few)
	}
}

// noMore allows for a tenth more than Go kit's.
func noMore(t *testing.T, what string, our, kit registry.Cost) {
	t.Helper()
	if o, k := our.Traffic.ToClient, kit.Traffic.ToClient; o > k+k/10+1<<10 {
		t.Errorf("%s: %d bytes are read, of Go kit's %d", what, o, k)
	}
}

func TestZooKeeper(t *testing.T) {
	r := registry.NewZooKeeper(t)
	small := registry.Measure(t, r, "Dowel", r.Dowel, few, false)
	large := registry.Measure(t, r, "Dowel", r.Dowel, many, false)
	registry.Measure(t, r, "Go-kit", r.Kit, few, true)
	registry.Measure(t, r, "Go-kit", r.Kit, many, true)

	doesNotGrow(t, "change", small.Change, large.Change, 0)
	doesNotGrow(t, "join", small.Join, large.Join, 0)
	doesNotGrow(t, "leave", small.Leave, large.Leave, 0)
}

func TestConsul(t *testing.T) {
	r := registry.NewConsul(t)
	registry.Measure(t, r, "Dowel", r.Dowel, few, false)
	large := registry.Measure(t, r, "Dowel", r.Dowel, many, false)
	registry.Measure(t, r, "Go-kit", r.Kit, few, false)
	kit := registry.Measure(t, r, "Go-kit", r.Kit, many, false)

	// A blocking query answers with the whole set, whoever asks.
	noMore(t, "first", large.First, kit.First)
	noMore(t, "change", large.Change, kit.Change)
	noMore(t, "join", large.Join, kit.Join)
}

// TestTable: few instances show as well what is in the table.
func TestTable(t *testing.T) {
	table := registry.Table(t, 20)
	if len(table.Rows) != 3*4 {
		t.Fatalf("the table has %d rows: %q", len(table.Rows), table.Rows)
	}
	for _, row := range table.Rows {
		blind := row[0] == "ZooKeeper" && row[1] == "a change of data"
		if len(row) != len(table.Header) || (row[3] == "sees nothing") != blind || strings.HasPrefix(row[2], "0 ms") {
			t.Errorf("a row is %q", row)
		}
	}
}
