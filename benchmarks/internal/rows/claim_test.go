package rows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	kit "github.com/go-kit/kit/endpoint"
	kitsd "github.com/go-kit/kit/sd"
	kitlb "github.com/go-kit/kit/sd/lb"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

func TestLayersAreThere(t *testing.T) {
	count := 0
	ours := func(next endpoint.Endpoint[rows.Message, rows.Message]) endpoint.Endpoint[rows.Message, rows.Message] {
		next = rows.Pass(next)
		return func(ctx context.Context, m rows.Message) (rows.Message, error) { count++; return next(ctx, m) }
	}
	theirs := func(next kit.Endpoint) kit.Endpoint {
		next = rows.KitPass(next)
		return func(ctx context.Context, request any) (any, error) { count++; return next(ctx, request) }
	}
	hand := func(next rows.Hand) rows.Hand {
		next = rows.HandPass(next)
		return func(ctx context.Context, m rows.Message) (rows.Message, error) { count++; return next(ctx, m) }
	}
	for name, loop := range map[string]func(int) error{
		"ours":    rows.Calls(rows.Layered(ours, 10)),
		"Go kit":  rows.KitCalls(rows.KitLayered(theirs, 10)),
		"by hand": rows.Calls(rows.HandLayered(hand, 10)),
	} {
		count = 0
		if err := loop(7); err != nil || count != 70 {
			t.Errorf("%s: %d layers in 7 calls, %v", name, count, err)
		}
	}
}

func TestClustersHaveEveryInstance(t *testing.T) {
	if addrs := rows.Addrs(10_000); !slices.IsSorted(addrs) || len(slices.Compact(addrs)) != 10_000 {
		t.Error("addresses are not sorted or not different")
	}
	c, err := rows.NewCluster(300)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	set := c.Endpointer.Set()
	for i := range 300 {
		if want := rows.Addr(i); set.Client(i).Addr != want || set.Node(i).Instance().Addr != want {
			t.Fatalf("instance %d is %s, want %s", i, set.Client(i).Addr, want)
		}
	}
	e, err := rows.NewKitEndpointer(kitsd.FixedInstancer(rows.Addrs(300)), 300)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if all, err := e.Endpoints(); err != nil || len(all) != 300 {
		t.Errorf("Go kit has %d endpoints, %v", len(all), err)
	}
}

func TestPicksReleaseWhatTheyLease(t *testing.T) {
	c, err := rows.NewCluster(3)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []lb.Strategy{lb.Random(), lb.RoundRobin(), lb.LeastRequest()} {
		if err := rows.Parallel(4, rows.Picking(lb.New(c.Endpointer, s)))(1000); err != nil {
			t.Errorf("%T: %v", s, err)
		}
		for _, node := range c.Endpointer.Set().Nodes() {
			if n := node.InFlight(); n != 0 {
				t.Errorf("%T: %d are in flight on %s", s, n, node.Instance().Addr)
			}
		}
	}
	c.Close()
	if err := rows.Picking(lb.New(c.Endpointer, lb.Random()))(1); !errors.Is(err, lb.ErrNoInstance) {
		t.Errorf("without instances the error is %v", err)
	}
	if err := rows.KitPicks(kitlb.NewRoundRobin(kitsd.FixedEndpointer{}))(1); !errors.Is(err, kitlb.ErrNoEndpoints) {
		t.Errorf("without instances the error of Go kit is %v", err)
	}
}

func TestChangesAreSeenByPicks(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(int) (rows.Changing, error)
	}{{"ours", rows.NewChanging}, {"Go kit", rows.NewKitChanging}} {
		c, err := tt.make(10)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n, err := c.Pick(); n != 10 || err != nil {
			t.Errorf("%s: a pick knows of %d at first, %v", tt.name, n, err)
		}
		for range 3 {
			if err := errors.Join(c.Join(), rows.See(c, 11), c.Leave(), rows.See(c, 10)); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

func TestRetriesTryThreeTimes(t *testing.T) {
	calls, broken := 0, errors.New("broken")
	ours := func(context.Context, rows.Message) (rows.Message, error) { calls++; return rows.Message{}, broken }
	theirs := kitsd.FixedEndpointer{func(context.Context, any) (any, error) { calls++; return nil, broken }}
	for name, call := range map[string]func() error{
		"ours":                 func() error { _, err := rows.Retry(ours)(t.Context(), rows.Message{}); return err },
		"ours, with a timeout": func() error { _, err := rows.RetryInTime(ours)(t.Context(), rows.Message{}); return err },
		"Go kit": func() error {
			_, err := rows.KitRetry(kitlb.NewRoundRobin(theirs))(t.Context(), rows.Message{})
			return err
		},
	} {
		calls = 0
		if err := call(); err == nil || calls != 3 {
			t.Errorf("%s: %d calls, error %v", name, calls, err)
		}
	}
}

func TestLogsWriteARecordPerCall(t *testing.T) {
	for name, loop := range map[string]func(io.Writer) measure.Loop{
		"ours":    func(w io.Writer) measure.Loop { return rows.Calls(rows.Logged(w)) },
		"Go kit":  func(w io.Writer) measure.Loop { return rows.KitCalls(rows.KitLogged(w)) },
		"by hand": func(w io.Writer) measure.Loop { return rows.Calls(rows.HandLogged(w)) },
	} {
		var b bytes.Buffer
		if err := loop(&b)(5); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		records := 0
		for line := range bytes.Lines(b.Bytes()) {
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil || record["method"] != "greet" {
				t.Errorf("%s: %s: %v", name, line, err)
			}
			records++
		}
		if records != 5 {
			t.Errorf("%s: %d records", name, records)
		}
		t.Logf("%s: %s", name, b.Bytes()[:bytes.IndexByte(b.Bytes(), '\n')])
	}
}

func TestBreakersOpenAfterTheSameFailures(t *testing.T) {
	count, broken := 0, errors.New("broken")
	ours := func(context.Context, rows.Message) (rows.Message, error) { count++; return rows.Message{}, broken }
	theirs := func(context.Context, any) (any, error) { count++; return nil, broken }
	for name, loop := range map[string]measure.Loop{
		"ours":    rows.Calls(rows.Broken(ours)),
		"Go kit":  rows.KitCalls(rows.KitBroken(theirs)),
		"by hand": rows.Calls(rows.HandBroken(ours)),
	} {
		count = 0
		for range 10 {
			if err := loop(1); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if count != 6 {
			t.Errorf("%s: %d of 10 failing calls got through", name, count)
		}
	}
}
