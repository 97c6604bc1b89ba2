package measure_test

import (
	"math"
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

func TestVerdict(t *testing.T) {
	line := measure.Line{
		OurCost:  measure.Figure{Nanos: 30, Bytes: 35, Allocs: 6},
		PeerCost: measure.Figure{Nanos: 60, Bytes: 100, Allocs: 4},
		Ratio:    measure.Ratio{Low: 0.4, Mid: 0.5, High: 0.6},
	}
	for _, tt := range []struct {
		name   string
		budget measure.Budget
		want   measure.Verdict
		missed []measure.Kind
	}{
		{"none", measure.Budget{}, measure.None, nil},
		{"all kept, each just so", measure.Budget{Ratio: 0.5, ByteRatio: 0.35, Nanos: 30}, measure.OK, nil},
		{"time", measure.Budget{Ratio: 0.49, ByteRatio: 0.35, Nanos: 30}, measure.Miss, []measure.Kind{measure.Time}},
		{"bytes", measure.Budget{Ratio: 0.5, ByteRatio: 0.34}, measure.Miss, []measure.Kind{measure.Memory}},
		{"nanoseconds", measure.Budget{Ratio: 0.5, Nanos: 29.9}, measure.Miss, []measure.Kind{measure.Nanos}},
		{"allocations", measure.Budget{Nanos: 30, NoAllocs: true}, measure.Miss, []measure.Kind{measure.Allocations}},
		{"more allocations", measure.Budget{Nanos: 30, MoreAllocs: 1.5}, measure.Miss, []measure.Kind{measure.Excess}},
		{"more allocations, kept just so", measure.Budget{MoreAllocs: 2}, measure.OK, nil},
		{"two", measure.Budget{Ratio: 0.1, NoAllocs: true}, measure.Miss, []measure.Kind{measure.Time, measure.Allocations}},
	} {
		line.Budget = tt.budget
		var missed []measure.Kind
		for _, d := range line.Demands() {
			if !d.Met() {
				missed = append(missed, d.Kind)
			}
		}
		if got := line.Verdict(); got != tt.want || len(missed) != len(tt.missed) {
			t.Errorf("%s: verdict is %q, missed are %v", tt.name, got, missed)
			continue
		}
		for i, k := range tt.missed {
			if missed[i] != k {
				t.Errorf("%s: missed are %v", tt.name, missed)
			}
		}
	}
}

func TestMoreNanosIsADifference(t *testing.T) {
	line := measure.Line{OurCost: measure.Figure{Nanos: 110}, PeerCost: measure.Figure{Nanos: 60}}
	for limit, want := range map[float64]measure.Verdict{50: measure.OK, 49.9: measure.Miss} {
		line.Budget.MoreNanos = limit
		if d := line.Demands(); len(d) != 1 || d[0] != (measure.Demand{Kind: measure.Beyond, Limit: limit, Got: 50}) || line.Verdict() != want {
			t.Errorf("at most %v more: %v, %v", limit, d, line.Verdict())
		}
	}
}

func TestStarved(t *testing.T) {
	for _, tt := range []struct {
		ours, peer float64
		need       int
		want       bool
	}{
		{1, 1, 0, false}, {2, 2, 2, false}, {1.7, 1.9, 2, false}, {2, 1.6, 2, true}, {1.1, 2, 2, true},
		{0, 0, 2, false}, // the system does not tell
	} {
		l := measure.Line{Peer: "peer", Cores: tt.need,
			OurCost: measure.Figure{Cores: tt.ours}, PeerCost: measure.Figure{Cores: tt.peer}}
		if had, got := l.Starved(); got != tt.want || had != min(tt.ours, tt.peer) {
			t.Errorf("%+v: starved is %v with %v cores", tt, got, had)
		}
	}
}

func TestWhatCannotBeComparedIsAMiss(t *testing.T) {
	line := measure.Line{Budget: measure.Budget{ByteRatio: 0.5}}
	if got := line.Verdict(); got != measure.Miss {
		t.Errorf("0 of 0 bytes is %q", got)
	}
	line = measure.Line{Budget: measure.Budget{Ratio: 1}, Ratio: measure.Ratio{Mid: math.NaN()}}
	if got := line.Verdict(); got != measure.Miss {
		t.Errorf("not a number is %q", got)
	}
}
