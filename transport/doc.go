// Package transport runs a server as a member of a service: it listens, registers
// the address, serves until its context ends, and leaves without losing a call.
//
//	ctx, stop := transport.SignalContext(context.Background())
//	defer stop()
//	err := transport.Serve(ctx, ":8080", httpkit.NewServer(mux),
//		transport.Register(registry, sd.Instance{Zone: "eu-1"}))
//
// The order of a stop is what makes it graceful: not ready, deregistered, a pause
// in which clients notice, and only then is the listener closed and what is in
// flight waited for. Each step is bounded, and so is the whole.
package transport
