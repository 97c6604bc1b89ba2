package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Library is a service: a plain Go value with typed methods.
type Library struct{}

type BorrowRequest struct {
	Book string
	Days int
}

// Validate says what is wrong with the request, in words for the caller.
func (r BorrowRequest) Validate() error {
	if r.Days < 1 || r.Days > 28 {
		return fmt.Errorf("days must be from 1 to 28, not %d", r.Days)
	}
	return nil
}

var ErrLentOut = &endpoint.Error{Code: endpoint.FailedPrecondition, Message: "the book is lent out"}

func (Library) Borrow(ctx context.Context, r BorrowRequest) (string, error) {
	switch r.Book {
	case "Emma":
		return fmt.Sprintf("%s, for %d days", r.Book, r.Days), nil
	case "Persuasion":
		return "", fmt.Errorf("shelf 12: %w", ErrLentOut)
	case "Sanditon":
		panic("unfinished")
	}
	<-ctx.Done() // the catalogue does not answer
	return "", ctx.Err()
}

// A method of a service is an endpoint. Each middleware wraps it once more; no
// call needs a type argument.
func Example() {
	var library Library
	borrow := endpoint.Timeout(library.Borrow, time.Second)
	borrow = endpoint.Validate(borrow)
	borrow = endpoint.Recover(borrow) // the last one applied is outermost

	ctx := context.Background()
	fmt.Println(borrow(ctx, BorrowRequest{Book: "Emma", Days: 14}))
	fmt.Println(borrow(ctx, BorrowRequest{Book: "Emma", Days: 99}))
	fmt.Println(borrow(ctx, BorrowRequest{Book: "Sanditon", Days: 14}))
	// Output:
	// Emma, for 14 days <nil>
	//  invalid_argument: days must be from 1 to 28, not 99
	//  internal: panic: unfinished
}

// announce is a middleware of a user's own, for endpoints of any type.
func announce[Req, Resp any](name string) endpoint.Middleware[Req, Resp] {
	return func(next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
		return func(ctx context.Context, req Req) (Resp, error) {
			fmt.Println(name, "before")
			defer fmt.Println(name, "after")
			return next(ctx, req)
		}
	}
}

// The first of a chain is outermost.
func ExampleChain() {
	greet := func(_ context.Context, name string) (string, error) { return "hello " + name, nil }

	chain := endpoint.Chain(
		announce[string, string]("first"),
		announce[string, string]("second"),
		endpoint.Recover,
	)
	fmt.Println(chain(greet)(context.Background(), "gopher"))
	// Output:
	// first before
	// second before
	// second after
	// first after
	// hello gopher <nil>
}

func ExampleTimeout() {
	slow := func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done() // heed the context
		return "", ctx.Err()
	}
	bounded := endpoint.Timeout(slow, time.Millisecond)

	_, err := bounded(context.Background(), "")
	fmt.Println(endpoint.CodeOf(err))
	// Output: deadline_exceeded
}

// A panic becomes an error; the stack stays on this side, for a logger.
func ExampleRecover() {
	first := func(_ context.Context, list []string) (string, error) { return list[0], nil }
	safe := endpoint.Recover(first)

	_, err := safe(context.Background(), nil)
	fmt.Println(err)
	fmt.Println("to the caller:", endpoint.Public(err).Message)

	p, ok := errors.AsType[*endpoint.PanicError](err)
	fmt.Println("has a stack:", ok && len(p.Stack) > 0)
	// Output:
	// internal: panic: runtime error: index out of range [0] with length 0
	// to the caller: internal error
	// has a stack: true
}

// BorrowRequest has the method Validate() error.
func ExampleValidate() {
	borrow := endpoint.Validate(Library{}.Borrow)

	_, err := borrow(context.Background(), BorrowRequest{Book: "Emma", Days: 99})
	fmt.Println(err)
	// Output: invalid_argument: days must be from 1 to 28, not 99
}

func ExampleFallback() {
	price := func(context.Context, string) (int, error) {
		return 0, &endpoint.Error{Code: endpoint.Unavailable}
	}
	lastKnown := func(_ context.Context, _ string, err error) (int, error) {
		fmt.Println("from the cache, because of:", err)
		return 42, nil
	}
	price = endpoint.Fallback(price, lastKnown)

	fmt.Println(price(context.Background(), "Emma"))
	// Output:
	// from the cache, because of: unavailable
	// 42 <nil>
}

// An error has a part for the caller and a part for the log. A service keeps its
// own errors as variables, and errors.Is finds them on both sides of the wire.
func ExampleError() {
	_, err := Library{}.Borrow(context.Background(), BorrowRequest{Book: "Persuasion"})
	fmt.Println("in the log: ", err)

	received := endpoint.Public(err) // what a transport sends
	fmt.Println("at the client:", received)
	fmt.Println("lent out?", errors.Is(received, ErrLentOut))
	// Output:
	// in the log:  shelf 12: failed_precondition: the book is lent out
	// at the client: failed_precondition: the book is lent out
	// lent out? true
}

func ExampleCodeOf() {
	fmt.Println(endpoint.CodeOf(nil))
	fmt.Println(endpoint.CodeOf(fmt.Errorf("saving: %w", context.DeadlineExceeded)))
	fmt.Println(endpoint.CodeOf(fmt.Errorf("lending: %w", ErrLentOut)))
	fmt.Println(endpoint.CodeOf(errors.New("disk full")))
	// Output:
	// ok
	// deadline_exceeded
	// failed_precondition
	// unknown
}

// Internal text never leaves the process, unless it is in a Message.
func ExamplePublic() {
	err := fmt.Errorf("connect to db-7: %w", errors.New("wrong password for admin"))
	fmt.Println(endpoint.Public(err))
	// Output: internal: internal error
}

// May this be tried again? Unavailable alone is no proof.
func ExampleIsNotProcessed() {
	refused := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	broken := &endpoint.Error{Code: endpoint.Unavailable, Message: "connection reset"}
	fmt.Println(endpoint.IsNotProcessed(refused), endpoint.IsNotProcessed(broken))
	// Output: true false
}

// Is this the instance's fault? Ask with the context of the call.
func ExampleFault() {
	ctx, cancel := context.WithCancel(context.Background())
	fmt.Println("failed:   ", endpoint.Fault(ctx, errors.New("boom")))
	fmt.Println("not found:", endpoint.Fault(ctx, &endpoint.Error{Code: endpoint.NotFound}))
	cancel()
	fmt.Println("cancelled:", endpoint.Fault(ctx, ctx.Err()))
	// Output:
	// failed:    true
	// not found: false
	// cancelled: false
}

func ExampleParseCode() {
	fmt.Println(endpoint.ParseCode("not_found"))
	fmt.Println(endpoint.ParseCode("no_such_code"))
	// Output:
	// not_found <nil>
	// unknown endpoint: no code is named "no_such_code"
}
