package zookeeper_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// quiet is an option for examples; a service wants to see the client's log.
var quiet = zk.WithLogger(silent{})

func ExampleNewInstancer() {
	t, end := testserver.Outside() // a server for the length of the example
	defer end()
	servers := []string{testserver.ZooKeeperAddr(t)}
	dialer := &zookeeper.Dialer{}
	client, _, err := zk.Connect(servers, 10*time.Second, zk.WithDialer(dialer.Dial), quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for node, data := range map[string]string{
		"": "", "/stringsvc": "", "/stringsvc2": "",
		"/stringsvc/one":    `{"id": "one", "addr": "10.0.0.1:8080", "weight": 2}`,
		"/stringsvc/two":    `{"id": "two", "address": "10.0.0.2", "port": 8080, "payload": {"zone": "a"}}`, // by Curator
		"/stringsvc2/other": "10.0.0.3:8080",
	} {
		write(client, "/examples"+node, data)
	}
	defer remove(client, "/examples")

	instances, err := zookeeper.NewInstancer(client, "/examples/stringsvc", zookeeper.WatchDialer(dialer))
	if err != nil {
		fmt.Println(err)
		return
	}
	for set, err := range instances.Watch(context.Background()) {
		for _, in := range set {
			fmt.Println(in.ID, in.Addr, in.Weight, in.Meta)
		}
		if err != nil {
			fmt.Println(err)
		}
		break // a service goes on
	}
	// Output:
	// one 10.0.0.1:8080 2 map[]
	// two 10.0.0.2:8080 0 map[zone:a]
}

// write makes a node, and its parents if they are not there.
func write(client *zk.Conn, node, data string) {
	if parent := node[:strings.LastIndex(node, "/")]; parent != "" {
		if there, _, _ := client.Exists(parent); !there {
			write(client, parent, "")
		}
	}
	if _, err := client.Create(node, []byte(data), zk.FlagPersistent, zk.WorldACL(zk.PermAll)); err != nil && err != zk.ErrNodeExists {
		fmt.Println(node, err)
	}
}

func ExampleNewRegistrar() {
	t, end := testserver.Outside()
	defer end()
	servers := []string{testserver.ZooKeeperAddr(t)}
	client, _, err := zk.Connect(servers, 10*time.Second, zk.WithDialer(new(zookeeper.Dialer).Dial), quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	defer remove(client, "/examples")
	ctx := context.Background()

	registrar, err := zookeeper.NewRegistrar(client, "/examples/stringsvc", zookeeper.RegisterParents())
	if err != nil {
		fmt.Println(err)
		return
	}
	registration, err := registrar.Register(ctx, sd.Instance{ID: "one", Addr: "10.0.0.1:8080", Zone: "a"})
	if err != nil {
		fmt.Println(err)
		return
	}
	names, _, _ := client.Children("/examples/stringsvc")
	for _, name := range names {
		data, _, _ := client.Get("/examples/stringsvc/" + name)
		fmt.Println(strings.HasPrefix(name, "one-"), string(data))
	}
	fmt.Println(registration.Deregister(ctx))
	// Output:
	// true {"id":"one","addr":"10.0.0.1:8080","zone":"a"}
	// <nil>
}

// One dialer serves the client and whoever watches by it.
func ExampleDialer() {
	t, end := testserver.Outside()
	defer end()
	dialer := &zookeeper.Dialer{Next: net.DialTimeout} // or one that speaks TLS
	client, _, err := zk.Connect([]string{testserver.ZooKeeperAddr(t)}, 10*time.Second, zk.WithDialer(dialer.Dial), quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	defer remove(client, "/examples")
	instances, err := zookeeper.NewInstancer(client, "/examples/stringsvc", zookeeper.WatchDialer(dialer))
	if err != nil {
		fmt.Println(err)
		return
	}
	for set := range instances.Watch(context.Background()) {
		fmt.Println(len(set))
		if len(set) == 1 {
			break
		}
		write(client, "/examples/stringsvc/one", "10.0.0.1:8080")
	}
	// Output:
	// 0
	// 1
}

// remove deletes a node and what is below it.
func remove(client *zk.Conn, node string) {
	names, _, _ := client.Children(node)
	for _, name := range names {
		remove(client, node+"/"+name)
	}
	_ = client.Delete(node, -1)
}
