package sdtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// figures are how long a registry took for what.
type figures struct {
	mu    sync.Mutex
	names []string // in the order of their first figure
	took  map[string][]time.Duration
}

func (f *figures) note(name string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.took == nil {
		f.took = make(map[string][]time.Duration)
	}
	if f.took[name] == nil {
		f.names = append(f.names, name)
	}
	f.took[name] = append(f.took[name], d)
}

// log shows them as a table.
func (f *figures) log(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.names) == 0 {
		return
	}
	lines := []string{fmt.Sprintf("%-44s %10s %10s %6s", "what took how long", "median", "worst", "times")}
	for _, name := range f.names {
		took := slices.Sorted(slices.Values(f.took[name]))
		lines = append(lines, fmt.Sprintf("%-44s %10v %10v %6d", name,
			rounded(took[len(took)/2]), rounded(took[len(took)-1]), len(took)))
	}
	t.Log(strings.Join(lines, "\n"))
}

func rounded(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}
