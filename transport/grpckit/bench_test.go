package grpckit_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func BenchmarkUnary(b *testing.B) {
	for _, c := range []struct {
		name string
		conn func() grpc.ClientConnInterface
	}{
		{"grpckit", func() grpc.ClientConnInterface { return dial(b, serve(b, grpckit.NewServer(), &echo{say: repeat})) }},
		{"grpc-go", func() grpc.ClientConnInterface { return dialPlain(b, serve(b, grpc.NewServer(), &echo{say: repeat})) }},
		{"server", func() grpc.ClientConnInterface {
			return dialPlain(b, serve(b, grpckit.NewServer(), &echo{say: repeat}))
		}},
		{"client", func() grpc.ClientConnInterface { return dial(b, serve(b, grpc.NewServer(), &echo{say: repeat})) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := echopb.NewEchoClient(c.conn())
			ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
			defer cancel()
			m := &echopb.Message{Text: "hello", N: 1}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Say(ctx, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
