// Discovery is a member of a service whose members find and greet each other. It
// registers itself, watches who else is there, and calls one of them now and then.
// Start it two times, in two terminals, beside a registry that runs already:
//
//	go run ./examples/discovery -registry etcd -name alice
//	go run ./examples/discovery -registry etcd -name bob
//
// Stop one, kill one, or stop the registry for a while, and see what the others
// say. README.md shows how to start a registry.
//
// Read registry.go and member.go, in this order.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dowelkit/dowel/transport"
)

func main() {
	var s settings
	flag.StringVar(&s.registry, "registry", "memory", "where members find each other: consul, etcd, zookeeper or memory")
	flag.StringVar(&s.addr, "addr", "", "`host:port` of the registry; the default is its usual port on this machine")
	flag.StringVar(&s.name, "name", fmt.Sprintf("member-%d", os.Getpid()), "this member's `name`, which no other has")
	flag.StringVar(&s.listen, "listen", "127.0.0.1:0", "`host:port` to listen at; port 0 is any free one")
	flag.DurationVar(&s.every, "every", time.Second, "how often somebody is greeted")
	flag.Parse()

	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "discovery:", err)
		os.Exit(1)
	}
}

type settings struct {
	registry, addr, name, listen string
	every                        time.Duration
}

func run(ctx context.Context, s settings, out io.Writer) (err error) {
	if s.every <= 0 {
		return errors.New("-every must be positive")
	}
	r, err := openRegistry(s.registry, s.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()

	names := []string{s.name}
	if s.registry == "memory" {
		// Nobody outside of this process sees that registry.
		names = []string{s.name + "-a", s.name + "-b", s.name + "-c"}
	}
	// When one member fails all of them stop.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(names))
	var members sync.WaitGroup
	for i, name := range names {
		m := &Member{Name: name, registry: r, say: func(format string, args ...any) {
			fmt.Fprintf(out, "%s: %s\n", name, fmt.Sprintf(format, args...))
		}}
		members.Go(func() {
			errs[i] = m.Run(ctx, s.listen, s.every)
			cancel()
		})
	}
	members.Wait()
	return errors.Join(errs...)
}

// usual returns the address that was given, or else the usual one.
func usual(addr, otherwise string) string {
	if addr = strings.TrimSpace(addr); addr == "" {
		return otherwise
	}
	return addr
}
