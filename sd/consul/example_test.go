package consul_test

import (
	"context"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

func ExampleNewInstancer() {
	t, end := testserver.Outside()
	defer end()
	ctx := context.Background()
	client, err := api.NewClient(&api.Config{Address: testserver.ConsulAddr(t)})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Somebody registers a service in his own way.
	defer func() { _ = client.Agent().ServiceDeregister("stringsvc-1") }()
	_ = client.Agent().ServiceRegister(&api.AgentServiceRegistration{
		ID: "stringsvc-1", Name: "stringsvc", Address: "192.0.2.7", Port: 8080, Tags: []string{"v2"},
	})

	instances, err := consul.NewInstancer(client, "stringsvc", consul.WatchTags("v2"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for set, err := range instances.Watch(ctx) {
		if err != nil {
			fmt.Println(err) // the last set stands
			continue
		}
		for _, in := range set {
			fmt.Println(in.ID, in.Addr)
		}
		if len(set) > 0 {
			break
		}
	}
	// Output: stringsvc-1 192.0.2.7:8080
}

func ExampleNewRegistrar() {
	t, end := testserver.Outside()
	defer end()
	ctx := context.Background()
	client, err := api.NewClient(&api.Config{Address: testserver.ConsulAddr(t)})
	if err != nil {
		fmt.Println(err)
		return
	}
	registrar, err := consul.NewRegistrar(client, "stringsvc", consul.RegisterTTL(10*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	registration, err := registrar.Register(ctx, sd.Instance{Addr: "192.0.2.7:8080", Zone: "zone-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(registration.Instance().ID, registration.State().Registered)
	fmt.Println(registration.Deregister(ctx))
	// Output:
	// 192.0.2.7:8080 true
	// <nil>
}
