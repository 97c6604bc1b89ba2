// Command get makes the servers that the tests talk to, unless they are in the
// cache, and prints where each is. It runs within a checkout.
//
//	go run ./internal/servers/get
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/dowelkit/dowel/internal/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, source := range servers.All() {
		path, err := source.Get(ctx, os.Stderr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%-10s %s\n", source.Name, path)
	}
}
