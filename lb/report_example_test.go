package lb_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

// Meter is a client whose server sends its utilization with each response.
type Meter struct {
	utilization float64
	load        *lb.Load
}

func (m *Meter) Read(context.Context, string) (string, error) {
	m.load.Report(m.utilization)
	return fmt.Sprintf("read at %v", m.utilization), nil
}

func ExampleLeastLoaded() {
	ctx := context.Background()
	loads := new(lb.Loads)
	dial := func(_ context.Context, in *sd.Instance) (*Meter, error) {
		m := &Meter{utilization: 0.2, load: loads.Of(in.ID)}
		if in.Addr == "10.0.0.2:80" {
			m.utilization = 0.9 // others keep it busy
		}
		return m, nil
	}
	instances, _ := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:80"}, sd.Instance{Addr: "10.0.0.2:80"})
	clients := sd.NewEndpointer(instances, dial)
	defer clients.Close()
	if err := clients.Ready(ctx); err != nil {
		fmt.Println(err)
		return
	}

	read := lb.Endpoint(lb.New(clients, lb.LeastLoaded(loads)), (*Meter).Read)
	for range 100 { // until both have reported
		read(ctx, "")
	}
	fmt.Println(read(ctx, ""))
	// Output: read at 0.2 <nil>
}
