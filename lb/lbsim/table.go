package lbsim

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteTable writes the rows as text: a block for each scenario, a line for each
// contestant, and below who is best by p99, how far from the best baseline and from
// the bound (best/other - 1), and the scenario's Gap.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, rows := range split(rows) {
		fmt.Fprintf(t, "\n%s: %s\n", rows[0].Scenario.Name, rows[0].Scenario.Title)
		fmt.Fprint(t, "\tsuccess\tgoodput/s\tp50 ms\tp99 ms\tof seeds\tp99.9 ms\tof seeds\t\n")
		for i := range rows {
			writeRow(t, &rows[i])
		}
		if v := judge(rows).String(); v != "" {
			fmt.Fprintln(t, v)
		}
	}
	return t.Flush()
}

func writeRow(w io.Writer, r *Row) {
	fmt.Fprintf(w, "%s\t%.3f %%\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n",
		r.Contestant.Name, 100*r.Result.Success(), r.Result.Goodput(), millis(r.Result.Latency.Quantile(0.5)),
		millis(r.Result.Latency.Quantile(0.99)), span(r.P99),
		millis(r.Result.Latency.Quantile(0.999)), span(r.P999))
}

// millis returns d in milliseconds, to three digits.
func millis(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// span returns the least and the greatest.
func span(of []time.Duration) string {
	if len(of) == 0 {
		return ""
	}
	low, high := of[0], of[0]
	for _, d := range of {
		low, high = min(low, d), max(high, d)
	}
	return millis(low) + "–" + millis(high)
}
