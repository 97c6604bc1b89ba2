package call_test

import (
	"strings"
	"testing"

	"github.com/dowelkit/dowel/call"
)

func TestCriticality(t *testing.T) {
	order := []call.Criticality{call.Sheddable, call.SheddablePlus, call.Critical, call.CriticalPlus}
	names := []string{"sheddable", "sheddable_plus", "critical", "critical_plus"}
	for i, p := range order {
		if p.String() != names[i] {
			t.Errorf("%d is named %q", int(p), p)
		}
		if got, err := call.ParseCriticality(names[i]); got != p || err != nil {
			t.Errorf("ParseCriticality(%q) = %v, %v", names[i], got, err)
		}
		if i > 0 && order[i-1] >= p {
			t.Errorf("%v is not greater than %v", p, order[i-1])
		}
	}
	for n, want := range map[call.Criticality]string{2: "criticality(2)", -3: "criticality(-3)"} {
		if got := n.String(); got != want {
			t.Errorf("%d is named %q", int(n), got)
		}
	}
	for _, name := range []string{"", "CRITICAL", "critical ", "1", strings.Repeat("x", 1<<20)} {
		if got, err := call.ParseCriticality(name); got != call.Critical || err == nil || len(err.Error()) > 200 {
			t.Errorf("ParseCriticality(%.20q) = %v, error of %d bytes", name, got, len(err.Error()))
		}
	}
}

func FuzzParseCriticality(f *testing.F) {
	f.Add("sheddable")
	f.Add("criticality(1)")
	f.Fuzz(func(t *testing.T, name string) {
		if p, err := call.ParseCriticality(name); err == nil && p.String() != name {
			t.Errorf("%q is read as %v", name, p)
		}
	})
}
