package sd_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

// A client of one instance. What has a Close method is closed when the instance
// has left and its last call has ended.
type exampleClient struct{ addr string }

func (c *exampleClient) Close() { fmt.Println("closed", c.addr) }

func ExampleNewEndpointer() {
	ctx := context.Background()
	registry := memory.NewRegistry()
	if err := registry.Set("stringsvc", sd.Instance{Addr: "10.0.0.1:80"}); err != nil {
		fmt.Println(err)
		return
	}

	dial := func(_ context.Context, in *sd.Instance) (*exampleClient, error) {
		return &exampleClient{addr: in.Addr}, nil
	}
	clients := sd.NewEndpointer(registry.Instancer("stringsvc"), dial)
	if err := clients.Ready(ctx); err != nil {
		fmt.Println(err)
		return
	}
	set := clients.Set()
	fmt.Println(set.Len(), "client, for", set.Node(0).Instance().ID)
	fmt.Println(clients.Close())
	// Output:
	// 1 client, for 10.0.0.1:80
	// closed 10.0.0.1:80
	// <nil>
}
