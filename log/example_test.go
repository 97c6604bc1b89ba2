package log_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

type Library struct{ logger *slog.Logger }

func (l Library) Borrow(ctx context.Context, book string) (string, error) {
	if book == "Persuasion" {
		return "", &endpoint.Error{Code: endpoint.FailedPrecondition, Message: "the book is lent out"}
	}
	l.logger.InfoContext(ctx, "lent", "book", book)
	return book, nil
}

// steady makes the output of an example the same each time.
var steady = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == log.DurationKey) {
		return slog.Attr{}
	}
	return a
}}

// Transports put the IDs into the context; here it is done by hand.
func received() context.Context {
	return call.With(context.Background(), call.RequestID("r-17"), call.Peer("192.0.2.7:4711"))
}

// One record per call, and the request ID on the service's own.
func ExampleCalls() {
	logger := log.New(slog.NewTextHandler(os.Stdout, steady))
	library := Library{logger}
	borrow := log.Calls(library.Borrow, logger, "borrow")

	_, _ = borrow(received(), "Emma")
	_, _ = borrow(received(), "Persuasion")
	// Output:
	// level=INFO msg=lent book=Emma request_id=r-17
	// level=INFO msg=call method=borrow code=ok peer=192.0.2.7:4711 request_id=r-17
	// level=WARN msg=call method=borrow code=failed_precondition peer=192.0.2.7:4711 error="failed_precondition: the book is lent out" request_id=r-17
}

// Only what is worth a look.
func ExampleLevels() {
	logger := log.New(slog.NewTextHandler(os.Stdout, steady))
	quiet := log.Levels(func(ctx context.Context, err error) slog.Level {
		if endpoint.CodeOf(err) == endpoint.FailedPrecondition {
			return slog.LevelDebug
		}
		return log.LevelOf(ctx, err)
	})
	borrow := log.Calls(Library{logger}.Borrow, logger, "borrow", quiet)

	_, err := borrow(received(), "Persuasion")
	fmt.Println(err)
	// Output:
	// failed_precondition: the book is lent out
}

// Whatever handler gets the records, those of a call carry its request ID.
func ExampleNew() {
	logger := log.New(slog.NewJSONHandler(os.Stdout, steady))
	logger.InfoContext(received(), "sent", "bytes", 12)
	// Output:
	// {"level":"INFO","msg":"sent","bytes":12,"request_id":"r-17"}
}

// An adder puts more on each record. What is added stays at the top level.
func ExampleNewHandler() {
	tenant := func(ctx context.Context, attrs []slog.Attr) []slog.Attr {
		return append(attrs, slog.String("tenant", call.From(ctx).Value("X-Tenant")))
	}
	logger := slog.New(log.NewHandler(slog.NewJSONHandler(os.Stdout, steady), tenant))

	ctx := call.With(received(), call.Value("X-Tenant", "acme"))
	logger.WithGroup("mail").InfoContext(ctx, "sent", "bytes", 12)
	// Output:
	// {"level":"INFO","msg":"sent","mail":{"bytes":12},"request_id":"r-17","tenant":"acme"}
}
