package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// list is an Instancer of a set that never changes.
func list(instances ...sd.Instance) sd.Instancer {
	set := sd.NextSet(nil, instances)
	return sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			if yield(set, nil) {
				<-ctx.Done()
			}
		}
	})
}

// show prints sets until there are n instances.
func show(source sd.Instancer, n int) {
	for set, err := range source.Watch(context.Background()) {
		if err == nil && len(set) == n {
			for _, in := range set {
				fmt.Println(strings.TrimSpace(in.ID + " " + in.Zone))
			}
			return
		}
	}
}

func ExampleMerge() {
	registry := list(
		sd.Instance{ID: "a", Addr: "10.0.0.1:80", Zone: "east"},
		sd.Instance{ID: "c", Addr: "10.0.0.3:80", Zone: "east"},
	)
	legacy := list(
		sd.Instance{ID: "a", Addr: "10.9.9.9:80", Zone: "legacy"},
		sd.Instance{ID: "b", Addr: "10.0.0.2:80", Zone: "legacy"},
	)
	show(sd.Merge(registry, legacy), 3)
	// Output:
	// a east
	// b legacy
	// c east
}

func ExampleFilter() {
	source := list(
		sd.Instance{ID: "a", Addr: "10.0.0.1:80", Zone: "east"},
		sd.Instance{ID: "b", Addr: "10.0.0.2:80", Zone: "west"},
	)
	east := sd.Filter(source, func(in *sd.Instance) bool { return in.Zone == "east" })
	show(east, 1)
	// Output: a east
}

func ExampleFallback() {
	primary := list() // known, and empty
	secondary := list(sd.Instance{ID: "b", Addr: "10.1.0.1:80", Zone: "elsewhere"})
	show(sd.Fallback(primary, secondary, sd.FallbackAfter(time.Second)), 1)
	// Output: b elsewhere
}

func ExampleShare() {
	watches := 0
	source := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		watches++
		return list(sd.Instance{ID: "a", Addr: "10.0.0.1:80"}).Watch(ctx)
	})
	shared := sd.Share(source)
	for range shared.Watch(context.Background()) {
		for set := range shared.Watch(context.Background()) { // inside the first
			fmt.Println(set[0].ID)
			break
		}
		break
	}
	fmt.Println("watches:", watches)
	// Output:
	// a
	// watches: 1
}

func ExampleStabilize() {
	instances := func(ids ...string) (set []sd.Instance) {
		for _, id := range ids {
			set = append(set, sd.Instance{ID: id, Addr: id + ".internal:80"})
		}
		return set
	}
	// A registry that comes back from an outage without most of its data.
	next := make(chan struct{})
	source := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			_ = yield(sd.NextSet(nil, instances("a", "b", "c")), nil)
			<-next
			_ = yield(nil, errors.New("connection lost"))
			<-next
			_ = yield(sd.NextSet(nil, instances("c", "d")), nil)
			<-ctx.Done()
		}
	})
	stable := sd.Stabilize(source, sd.StabilizeGrace(time.Minute))
	for set, err := range stable.Watch(context.Background()) {
		if err != nil {
			fmt.Println(err)
		}
		for _, in := range set {
			fmt.Print(in.ID, " ")
		}
		if len(set) == 4 {
			break
		}
		next <- struct{}{}
	}
	// Output:
	// a b c connection lost
	// a b c d
}

func ExampleSubset() {
	var fleet []sd.Instance
	for i := range 100 {
		fleet = append(fleet, sd.Instance{ID: fmt.Sprintf("i%02d", i), Addr: fmt.Sprintf("10.0.0.%d:80", i)})
	}
	// Whenever client-7 starts, it gets the same three.
	show(sd.Subset(list(fleet...), 3, "client-7"), 3)
	// Output:
	// i09
	// i39
	// i43
}

func ExampleHealthCheck() {
	source := list(sd.Instance{ID: "a", Addr: "10.0.0.1:80"}, sd.Instance{ID: "b", Addr: "10.0.0.2:80"})
	probe := func(ctx context.Context, in *sd.Instance) error { // or sd.ProbeTCP
		if in.ID == "b" {
			return errors.New("not serving")
		}
		return nil
	}
	healthy := sd.HealthCheck(source, probe, sd.HealthInterval(5*time.Second), sd.HealthThresholds(1, 3))
	show(healthy, 1)
	// Output: a
}

func ExampleProbeTCP() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	for _, addr := range []string{listener.Addr().String(), "127.0.0.1:1"} {
		err := sd.ProbeTCP(context.Background(), &sd.Instance{Addr: addr})
		fmt.Println("somebody listens:", err == nil)
	}
	// Output:
	// somebody listens: true
	// somebody listens: false
}
