package rows

import (
	"context"
	"errors"

	kit "github.com/go-kit/kit/endpoint"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
)

// Message is request and response of the endpoints that are measured.
type Message struct {
	Text string
	N    int
}

// Greet answers with what it got, and counts on.
func Greet(_ context.Context, m Message) (Message, error) {
	m.N++
	return m, nil
}

// Client is one instance's client.
type Client struct{ Addr string }

// Greet is [Greet].
func (c *Client) Greet(ctx context.Context, m Message) (Message, error) { return Greet(ctx, m) }

var errAnswer = errors.New("rows: a wrong answer")

// calls returns a loop over a typed endpoint. Each call has another request, so
// that no compiler keeps one.
func calls(e endpoint.Endpoint[Message, Message]) measure.Loop {
	ctx := context.Background()
	return func(n int) error {
		for i := range n {
			m, err := e(ctx, Message{Text: "hello", N: i})
			if err != nil {
				return err
			}
			if m.N != i+1 {
				return errAnswer
			}
		}
		return nil
	}
}

// kitCalls is calls for an endpoint of Go kit.
func kitCalls(e kit.Endpoint) measure.Loop {
	ctx := context.Background()
	return func(n int) error {
		for i := range n {
			resp, err := e(ctx, Message{Text: "hello", N: i})
			if err != nil {
				return err
			}
			if m, ok := resp.(Message); !ok || m.N != i+1 {
				return errAnswer
			}
		}
		return nil
	}
}

// KitGreet is [Greet] as an endpoint of Go kit.
func KitGreet(ctx context.Context, request any) (any, error) {
	m, ok := request.(Message)
	if !ok {
		return nil, errAnswer
	}
	return Greet(ctx, m)
}
