package transport_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
)

func ExampleServe() {
	ctx, stop := context.WithCancel(context.Background())
	var ready transport.Readiness
	members := &registry{} // any sd.Registrar

	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })

	err := transport.Serve(ctx, "127.0.0.1:0", &http.Server{Handler: mux},
		transport.Register(members, sd.Instance{Zone: "eu-1"}),
		transport.MarkReady(&ready),
		transport.OnListen(func(addr net.Addr) {
			go func() { // a caller somewhere else
				defer stop()
				resp, err := http.Get("http://" + addr.String() + "/hello")
				if err != nil {
					fmt.Println(err)
					return
				}
				defer resp.Body.Close()
				text, _ := io.ReadAll(resp.Body)
				fmt.Println(string(text))
			}()
		}))
	fmt.Println("stopped:", err, "ready:", ready.Ready(), "registered:", len(members.instances()))
	// Output:
	// hello
	// stopped: <nil> ready: false registered: 0
}

func ExampleSignalContext() {
	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	fmt.Println(ctx.Err()) // nil until the process gets SIGINT or SIGTERM
	// Output: <nil>
}
