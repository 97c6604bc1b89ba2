package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

func ExampleNewRegistry() {
	ctx := context.Background()
	registry := memory.NewRegistry()
	registration, err := registry.Registrar("stringsvc", memory.TTL(15*time.Second)).
		Register(ctx, sd.Instance{ID: "one", Addr: "127.0.0.1:8080"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for set := range registry.Instancer("stringsvc").Watch(ctx) {
		if len(set) == 0 {
			fmt.Println("nobody is left")
			break
		}
		fmt.Println(set[0].ID, "listens on", set[0].Addr)
		if err := registration.Deregister(ctx); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// one listens on 127.0.0.1:8080
	// nobody is left
}

func ExampleRegistry_Set() {
	registry := memory.NewRegistry()
	if err := registry.Set("stringsvc", sd.Instance{Addr: "[::1]:81"}, sd.Instance{Addr: "127.0.0.1:80"}); err != nil {
		fmt.Println(err)
	}
	for set := range registry.Instancer("stringsvc").Watch(context.Background()) {
		fmt.Println(set[0].Addr, set[1].Addr)
		break
	}
	// Output: 127.0.0.1:80 [::1]:81
}

func ExampleRegistry_Faults() {
	registry := memory.NewRegistry()
	registry.Faults().Outage(errors.New("the registry is down"))
	for set, err := range registry.Instancer("stringsvc").Watch(context.Background()) {
		if err != nil {
			fmt.Println(err)
			registry.Faults().Restore()
			continue
		}
		fmt.Println(len(set), "instances")
		break
	}
	// Output:
	// the registry is down
	// 0 instances
}

func ExampleRegistry_Client() {
	registry := memory.NewRegistry()
	client := registry.Client()
	client.Cut(memory.Requests | memory.Replies)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := client.Registrar("stringsvc").Register(ctx, sd.Instance{Addr: "127.0.0.1:8080"})
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	client.Heal()
	_, err = client.Registrar("stringsvc").Register(context.Background(), sd.Instance{Addr: "127.0.0.1:8080"})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
