package lbsim

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// verdict is what the rows of one scenario come to. Each is nil if there is none.
type verdict struct {
	best, rival, bound *Row // of the entrants, of the baselines, of the bounds
}

func judge(rows []Row) verdict {
	var v verdict
	for i := range rows {
		first := map[Role]**Row{Entrant: &v.best, Baseline: &v.rival, Bound: &v.bound}[rows[i].Contestant.Role]
		if *first == nil || better(&rows[i].Result, &(*first).Result) {
			*first = &rows[i]
		}
	}
	return v
}

// better compares p99, then p99.9, then success.
func better(a, b *Result) bool {
	return cmp.Or(
		cmp.Compare(a.Latency.Quantile(0.99), b.Latency.Quantile(0.99)),
		cmp.Compare(a.Latency.Quantile(0.999), b.Latency.Quantile(0.999)),
		cmp.Compare(b.Success(), a.Success()),
	) < 0
}

// String says who is best, how far from the others, and why. It is by success where
// even the best has its p99 at the timeout.
func (v verdict) String() string {
	if v.best == nil {
		return ""
	}
	var out strings.Builder
	s := v.best.Scenario
	by := func(r *Row) string {
		if v.best.p99() >= s.Timeout {
			return fmt.Sprintf("%.1f %% served", 100*r.Result.Success())
		}
		return fmt.Sprintf("p99 %s ms (%s)", millis(r.p99()), percent(v.best.p99(), r.p99()))
	}
	fmt.Fprintf(&out, "best: %s, ", v.best.Contestant.Name)
	if v.best.p99() >= s.Timeout {
		fmt.Fprint(&out, by(v.best))
	} else {
		fmt.Fprintf(&out, "p99 %s ms", millis(v.best.p99()))
	}
	if v.rival != nil {
		fmt.Fprintf(&out, "; best baseline: %s, %s", v.rival.Contestant.Name, by(v.rival))
	}
	if v.bound != nil {
		fmt.Fprintf(&out, "; bound: %s", by(v.bound))
		if s.Gap != "" {
			fmt.Fprintf(&out, "\n%s", s.Gap)
		}
	}
	return out.String()
}

func (row *Row) p99() time.Duration { return row.Result.Latency.Quantile(0.99) }

// percent says how much more the best has than another.
func percent(best, other time.Duration) string {
	return fmt.Sprintf("%+.1f %%", 100*(float64(best)/float64(max(other, 1))-1))
}
