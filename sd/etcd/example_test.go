package etcd_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func ExampleNewInstancer() {
	t, end := testserver.Outside() // an etcd for the length of the example
	defer end()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{testserver.EtcdAddr(t)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx := context.Background()
	defer client.Delete(ctx, "/examples/", clientv3.WithPrefix())
	_, _ = client.Put(ctx, "/examples/stringsvc/one", `{"addr": "10.0.0.1:8080", "weight": 2}`)
	_, _ = client.Put(ctx, "/examples/stringsvc/two", "10.0.0.2:8080")
	_, _ = client.Put(ctx, "/examples/stringsvc2/other", "10.0.0.3:8080")

	instances, err := etcd.NewInstancer(client, "/examples/stringsvc")
	if err != nil {
		fmt.Println(err)
		return
	}
	for set, err := range instances.Watch(ctx) {
		for _, in := range set {
			fmt.Println(in.ID, in.Addr, in.Weight)
		}
		if err != nil {
			fmt.Println(err)
		}
		break // a service goes on
	}
	// Output:
	// one 10.0.0.1:8080 2
	// two 10.0.0.2:8080 0
}

func ExampleNewRegistrar() {
	t, end := testserver.Outside()
	defer end()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{testserver.EtcdAddr(t)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx := context.Background()

	registrar, err := etcd.NewRegistrar(client, "/examples/stringsvc")
	if err != nil {
		fmt.Println(err)
		return
	}
	registration, err := registrar.Register(ctx, sd.Instance{ID: "one", Addr: "10.0.0.1:8080"})
	if err != nil {
		fmt.Println(err)
		return
	}
	entries, _ := client.Get(ctx, "/examples/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	for _, entry := range entries.Kvs {
		fmt.Println(string(entry.Key))
	}
	fmt.Println(registration.Deregister(ctx))
	// Output:
	// /examples/stringsvc/one
	// <nil>
}
