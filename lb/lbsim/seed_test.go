package lbsim_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

// field is every strategy, with one inside another in every order that is of use.
func field() []lbsim.Contestant {
	soon := lb.EjectTime(2*time.Second, 4*time.Second)
	return append([]lbsim.Contestant{
		{Name: "weighted round robin", Strategy: lb.WeightedRoundRobin()},
		{Name: "least request", Strategy: lb.LeastRequest()},
		{Name: "least loaded", Strategy: lb.LeastLoaded(new(lb.Loads))},
		{Name: "peak EWMA", Strategy: lb.PeakEWMA()},
		{Name: "hash", Strategy: lb.Eject(lb.ConsistentHash(), soon)},
		{Name: "slow start of ejection", Strategy: lb.SlowStart(lb.Eject(lb.PeakEWMA(), soon))},
		{Name: "ejection of slow start", Strategy: lb.Eject(lb.SlowStart(lb.LeastRequest()), soon)},
		{Name: "zones of it", Strategy: lb.Zone("here", lb.SlowStart(lb.Eject(lb.LeastRequest(), soon)))},
		{Name: "of zones", Strategy: lb.SlowStart(lb.Eject(lb.Zone("here", lb.Random()), soon))},
	}, lbsim.Baselines()...)
}

// eventful are scenarios in which, together, everything draws that ever does: most of
// it by another code where there are weights and keys.
func eventful() []lbsim.Scenario {
	keyed := happening()
	keyed.Keys, keyed.Load[0].Rate = 60, 3500
	for i := range keyed.Servers {
		keyed.Servers[i].Weight = 1 + i%3
	}
	return []lbsim.Scenario{*happening(), *keyed}
}

func happening() *lbsim.Scenario {
	s := one(70, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 1}, 2000)
	s.Duration, s.Timeout, s.Clients, s.Attempts = 8*time.Second, 200*time.Millisecond, 3, 3
	for i := range s.Servers {
		srv := &s.Servers[i]
		if i%4 == 0 {
			srv.Zone = "here"
		}
		switch i % 10 {
		case 7:
			srv.Troubles = []lbsim.Trouble{{Kind: lbsim.Refuse, From: time.Second, For: 2 * time.Second}}
		case 8:
			srv.Joins = 3 * time.Second
		case 9:
			srv.Leaves = 3 * time.Second
		}
	}
	return s
}

func TestASeedDeterminesARunOfAnyStrategy(t *testing.T) {
	oneGoroutine(t)
	for i, s := range eventful() {
		for _, c := range field() {
			a, b := simulate(t, &s, c.Strategy), simulate(t, &s, c.Strategy)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("scenario %d, %s: two runs of one seed differ", i, c.Name)
			}
			if other, _ := lbsim.Run(&s, c.Strategy, 2); reflect.DeepEqual(a.Sent, other.Sent) {
				t.Errorf("scenario %d, %s: the runs of two seeds are equal", i, c.Name)
			}
		}
	}
}

// Neither who else is compared, nor in which order, nor on how many processors, is
// seen in a row.
func TestAComparisonIsTheSameInAnyOrder(t *testing.T) {
	forth, back := field(), field()
	slices.Reverse(back)
	scenarios := eventful()
	for i := range scenarios {
		scenarios[i].Duration /= 4
	}
	rows := compare(t, scenarios, forth)
	mirrored := compare(t, scenarios, back)
	n := len(forth)
	for i, row := range rows {
		mirror := mirrored[i/n*n+n-1-i%n]
		if row.Contestant.Name != mirror.Contestant.Name || !reflect.DeepEqual(row.Result, mirror.Result) ||
			!slices.Equal(row.P99, mirror.P99) || !slices.Equal(row.P999, mirror.P999) {
			t.Errorf("%s is not what it was in another order", row.Contestant.Name)
		}
	}
	if got, want := written(t, compare(t, scenarios, forth)), written(t, rows); got != want {
		t.Error("what is written of the same comparison differs")
	}
}

func compare(t *testing.T, scenarios []lbsim.Scenario, contestants []lbsim.Contestant) []lbsim.Row {
	t.Helper()
	rows, err := lbsim.Compare(t.Context(), scenarios, contestants, 2)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// written is the table and the picture.
func written(t *testing.T, rows []lbsim.Row) string {
	t.Helper()
	var out strings.Builder
	if err := errors.Join(lbsim.WriteTable(&out, rows), lbsim.WriteSVG(&out, rows)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
