package lbsim_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

// small returns a comparison that takes no time.
func small(t *testing.T) []lbsim.Row {
	t.Helper()
	s := *one(2, lbsim.Server{Service: lbsim.Exponential(service)}, 100)
	s.Duration, s.Timeout = 10*time.Second, 30*time.Millisecond
	s.Name, s.Title = "first", "a < b & c"
	second := s
	second.Name = "second"
	rows, err := lbsim.Compare(t.Context(), []lbsim.Scenario{s, second}, []lbsim.Contestant{
		{Name: `"mine" & yours`, Strategy: lb.Random()},
		{Name: "bound", Strategy: lbsim.Omniscient(), Role: lbsim.Bound},
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCompareAddsUpTheSeeds(t *testing.T) {
	rows := small(t)
	if len(rows) != 4 || rows[1].Scenario.Name != "first" || rows[1].Contestant.Name != "bound" || rows[2].Scenario.Name != "second" {
		t.Fatalf("rows are %+v", rows)
	}
	var sum lbsim.Result
	for seed := uint64(1); seed <= 3; seed++ {
		r, err := lbsim.Run(rows[1].Scenario, lbsim.Omniscient(), seed)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Latency.Quantile(0.99); got != rows[1].P99[seed-1] {
			t.Errorf("p99 of seed %d is %v, want %v", seed, rows[1].P99[seed-1], got)
		}
		sum.Merge(r)
	}
	if !reflect.DeepEqual(sum, rows[1].Result) {
		t.Error("the row is not the sum of its runs")
	}
	if r := sum; r.Served+r.Failed+r.Rejected+r.TimedOut+r.Unbalanced != r.Calls || r.TimedOut == 0 || r.Measured != 30*time.Second {
		t.Errorf("the result is %d calls, %d served, %d late in %v", r.Calls, r.Served, r.TimedOut, r.Measured)
	}
}

func TestMergeAddsEveryCount(t *testing.T) {
	s := one(2, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 1, Queue: -1, Leaves: 900 * time.Second}, 100)
	s.Servers[0].Troubles = []lbsim.Trouble{{Kind: lbsim.Fail, For: time.Second, Every: 2 * time.Second}}
	s.Timeout, s.Attempts = 2*service, 2
	a, _ := lbsim.Run(s, lb.Random(), 1)
	b, _ := lbsim.Run(s, lb.Random(), 2)
	var sum lbsim.Result
	sum.Merge(a)
	sum.Merge(b)
	x, y, got := reflect.ValueOf(*a), reflect.ValueOf(*b), reflect.ValueOf(sum)
	for i := range got.NumField() {
		if name := got.Type().Field(i).Name; got.Field(i).CanUint() {
			if x, y := x.Field(i).Uint(), y.Field(i).Uint(); got.Field(i).Uint() != x+y || x == 0 {
				t.Errorf("%s is %d, want %d + %d", name, got.Field(i).Uint(), x, y)
			}
		}
	}
	if sum.Sent[1] != a.Sent[1]+b.Sent[1] || sum.Latency.Count() != sum.Calls {
		t.Errorf("sent are %v, %v and %v", a.Sent, b.Sent, sum.Sent)
	}
}

func TestCompareRefusesWhatItCannotRun(t *testing.T) {
	_, err := lbsim.Compare(t.Context(), make([]lbsim.Scenario, 1), []lbsim.Contestant{{Name: "none"}}, 0)
	for _, want := range []string{"there is no server", `"none" has no strategy`, "0 seeds"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = lbsim.Compare(ctx, lbsim.Scenarios(), lbsim.Baselines(), 1000)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestTheTableHasALineForEachRow(t *testing.T) {
	var out strings.Builder
	if err := lbsim.WriteTable(&out, small(t)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != 2*(3+3) {
		t.Errorf("the table has %d lines:\n%s", got, &out)
	}
	for _, want := range []string{"first: a < b & c", "second:", `"mine" & yours  9`, "30.0–30.0", `best: "mine" & yours, 9`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

// drawn returns how many elements of each kind there are, and all texts.
func drawn(t *testing.T, rows []lbsim.Row) (counts map[string]int, texts string) {
	t.Helper()
	var out strings.Builder
	if err := lbsim.WriteSVG(&out, rows); err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		token, err := d.Token()
		if err == io.EOF {
			return counts, texts
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, &out)
		}
		switch e := token.(type) {
		case xml.StartElement:
			counts[e.Name.Local]++
		case xml.CharData:
			texts += string(e)
		}
	}
}

func TestThePictureIsWellFormed(t *testing.T) {
	s := &lbsim.Scenario{Title: "a < b & c", Timeout: time.Second}
	swift := []lbsim.Row{
		row(s, `"mine" & yours`, lbsim.Entrant, 5, 20, 30), row(s, "late", lbsim.Baseline, 1000), row(s, "bound", lbsim.Bound, 4),
	}
	const ground, legend = 1, 9
	for name, tt := range map[string]struct {
		rows        []lbsim.Row
		rects       int
		lines       int // of scales and the bound
		want, never string
	}{
		"nothing":  {nil, 0, 0, "shorter", "success"},
		"latency":  {swift, 3 * 3, 9 + 1, "2ms 5ms 10ms 20ms 50ms 100ms 200ms 500ms 1s", "what is served"},
		"goodput":  {small(t), 4, 2*5 + 2, "what is served: longer is better", "10ms"},
		"no bound": {swift[:1], 3, 3, "10ms 20ms 50ms", "1s"},
	} {
		counts, texts := drawn(t, tt.rows)
		if counts["svg"] != 1 || counts["rect"] != tt.rects+ground+legend || counts["line"] != tt.lines {
			t.Errorf("%s is drawn as %v", name, counts)
		}
		texts = strings.Join(strings.Fields(texts), " ")
		if !strings.Contains(texts, tt.want) || strings.Contains(texts, tt.never) {
			t.Errorf("%s: the texts are %s", name, texts)
		}
		if tt.rows != nil && (!strings.Contains(texts, `"mine" & yours`) || !strings.Contains(texts, "a < b & c")) {
			t.Errorf("%s: the names are missing: %s", name, texts)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWritersReportErrors(t *testing.T) {
	rows := small(t)
	if err := lbsim.WriteTable(broken{}, rows); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the table: %v", err)
	}
	if err := lbsim.WriteSVG(broken{}, rows); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the picture: %v", err)
	}
}
