// Command get makes the servers that the tests talk to, unless they are in the
// cache, and prints where they are. It runs within a checkout.
//
//	go run ./internal/servers/get          # all, each with its name
//	go run ./internal/servers/get consul   # the path of one
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/dowelkit/dowel/internal/servers"
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	if len(names) == 0 {
		for _, source := range servers.All() {
			path, err := source.Get(ctx, os.Stderr)
			if err != nil {
				return err
			}
			fmt.Printf("%-10s %s\n", source.Name, path)
		}
	}
	for _, name := range names {
		source, err := servers.Named(name)
		if err != nil {
			return err
		}
		path, err := source.Get(ctx, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
