package lbsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb/lbsim"
)

// row is of a contestant whose calls took so many milliseconds each.
func row(s *lbsim.Scenario, name string, role lbsim.Role, ms ...int) lbsim.Row {
	r := lbsim.Row{Scenario: s, Contestant: lbsim.Contestant{Name: name, Role: role}}
	for _, d := range ms {
		r.Result.Latency.Add(time.Duration(d) * time.Millisecond)
		r.Result.Calls++
		if d < 1000 {
			r.Result.Served++
		}
	}
	return r
}

func TestTheTableSaysWhoIsBest(t *testing.T) {
	s := &lbsim.Scenario{Name: "s", Timeout: time.Second, Gap: "That is why."}
	bound := row(s, "all", lbsim.Bound, 10)
	for want, rows := range map[string][]lbsim.Row{
		"best: b, p99 30.0 ms; best baseline: c, p99 40.0 ms (-25.0 %); bound: p99 10.0 ms (+200.0 %)\nThat is why.\n": {
			row(s, "a", lbsim.Entrant, 35), row(s, "b", lbsim.Entrant, 30), row(s, "d", lbsim.Baseline, 50),
			row(s, "c", lbsim.Baseline, 40), bound,
		},
		"best: b, 50.0 % served; best baseline: c, 0.0 % served; bound: 100.0 % served\n": {
			row(s, "a", lbsim.Entrant, 1000), row(s, "b", lbsim.Entrant, 20, 1000), row(s, "c", lbsim.Baseline, 1000), bound,
		},
		"best: a, p99 35.0 ms\n": {row(s, "a", lbsim.Entrant, 35)},
	} {
		var out strings.Builder
		if err := lbsim.WriteTable(&out, rows); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}

	var out strings.Builder
	if err := lbsim.WriteTable(&out, []lbsim.Row{bound}); err != nil || strings.Contains(out.String(), "best") {
		t.Errorf("%v: the bound alone is called best:\n%s", err, &out)
	}
}
