// Addsvc adds numbers and texts, over HTTP/JSON and gRPC, from one set of endpoints with
// one stack of middleware. It is its own client, which balances over three instances.
//
//	go run ./examples/addsvc serve
//	go run ./examples/addsvc sum 1 2
//	go run ./examples/addsvc -wire http concat foo bar
//
// Read service.go, endpoints.go, then http.go and grpc.go, then this file.
package main

//go:generate env GOWORK=off go -C ../../tools/protogen run . -dir=../../examples/addsvc/addpb add.proto

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/transport"
)

func main() {
	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	answer, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "addsvc:", err)
		os.Exit(1)
	}
	fmt.Println(answer)
}

func run(ctx context.Context, args []string) (answer any, err error) {
	flags := flag.NewFlagSet("addsvc", flag.ContinueOnError)
	http := flags.String("http", "127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083", "the `addresses` of HTTP")
	grpc := flags.String("grpc", "127.0.0.1:9081,127.0.0.1:9082,127.0.0.1:9083", "the `addresses` of gRPC")
	wire := flags.String("wire", "grpc", "the wire that a client uses, grpc or http")
	pem := flags.String("tls", "", "a `file` with a certificate, its key and its authority; plain text without")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	secure, err := LoadTLS(*pem)
	if err != nil {
		return nil, err
	}
	switch {
	case flags.Arg(0) == "serve":
		return "stopped", serve(ctx, strings.Split(*http, ","), strings.Split(*grpc, ","), secure)
	case *wire == "http":
		return call(ctx, NewHTTPClient, *http, secure, flags.Args())
	case *wire == "grpc":
		return call(ctx, NewGRPCClient, *grpc, secure, flags.Args())
	}
	return nil, fmt.Errorf("there is no wire %q", *wire)
}

// serve runs an instance at each address until ctx ends or one fails.
func serve(ctx context.Context, http, grpc []string, secure *tls.Config) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	endpoints := NewEndpoints(Service{}, log.New(slog.NewTextHandler(os.Stderr, nil)))
	results := make(chan error)
	run := func(addr string, server transport.Server) {
		err := transport.Serve(ctx, addr, server)
		stop()
		results <- err
	}
	for _, addr := range http {
		go run(addr, NewHTTPServer(endpoints, secure))
	}
	for _, addr := range grpc {
		go run(addr, NewGRPCServer(endpoints, secure))
	}
	for range len(http) + len(grpc) {
		err = errors.Join(err, <-results)
	}
	return err
}

// dialer is NewHTTPClient or NewGRPCClient: a client is the same over either wire.
type dialer func(sd.Instancer, *tls.Config) (Endpoints, func() error, error)

// call makes one call: "sum 1 2" or "concat foo bar".
func call(ctx context.Context, dial dialer, addrs string, secure *tls.Config, args []string) (any, error) {
	var list []sd.Instance
	for addr := range strings.SplitSeq(addrs, ",") {
		list = append(list, sd.Instance{Addr: addr})
	}
	instances, err := static.NewInstancer(list...)
	if err != nil {
		return nil, err
	}
	service, hangUp, err := dial(instances, secure)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	args = append(args, "", "", "") // what is missing is empty
	switch args[0] {
	case "sum":
		var r SumRequest
		if _, err := fmt.Sscanf(args[1]+" "+args[2]+"\n", "%d %d\n", &r.A, &r.B); err != nil {
			return nil, fmt.Errorf("sum wants two whole numbers: %w", err)
		}
		return service.Sum(ctx, r)
	case "concat":
		return service.Concat(ctx, ConcatRequest{A: args[1], B: args[2]})
	}
	return nil, errors.New("say serve, sum A B or concat A B")
}
