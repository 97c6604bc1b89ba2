package static_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

func ExampleNewInstancer() {
	instances, err := static.NewInstancer(
		sd.Instance{Addr: "10.0.0.2:8080"},
		sd.Instance{Addr: "10.0.0.1:8080", Weight: 2},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for set := range instances.Watch(context.Background()) {
		fmt.Println(set[0].Addr, set[1].Addr)
		break
	}
	// Output: 10.0.0.1:8080 10.0.0.2:8080
}

func ExampleNewFile() {
	folder, err := os.MkdirTemp("", "dowel")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "instances.json")
	instances := static.NewFile(path)
	if err := os.WriteFile(path, []byte(`[{"addr": "10.0.0.1:8080", "zone": "a"}]`), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	for set, err := range instances.Watch(context.Background()) {
		fmt.Println(set[0].Addr, "in zone", set[0].Zone, err)
		break
	}
	// Output: 10.0.0.1:8080 in zone a <nil>
}

func ExampleParse() {
	_, err := static.Parse([]byte(`[{"addr": "10.0.0.1"}, {"addr": "10.0.0.2:8080", "weight": -1}]`))
	fmt.Println(err)
	// Output:
	// static: instance 1: sd: address "10.0.0.1" is not host:port
	// instance 2: sd: weight -1 is negative
}
