package rows

import (
	"context"
	"io"
	"log/slog"
	"time"

	kit "github.com/go-kit/kit/endpoint"
	kitlog "github.com/go-kit/log"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

// Logs compares what writes a record per call.
func Logs() measure.Group {
	return measure.Group{
		Name: "Log",
		Note: "A call and its record in JSON, written to nowhere: for information. Go kit has no middleware for it, so its " +
			"logger is used as in its examples: method, duration and error. By hand is slog with time, level, message, method, " +
			"code and duration, which is what log.Calls writes here.",
		Contestants: []measure.Contestant{
			{Name: "dowel", Open: plainly(calls(Logged(io.Discard)))},
			{Name: "Go kit", Open: plainly(kitCalls(KitLogged(io.Discard)))},
			{Name: "by hand", Open: plainly(calls(HandLogged(io.Discard)))},
		},
		Rows: []measure.Row{
			{What: "a record", Ours: "dowel", Peer: "Go kit"},
			{What: "a record", Ours: "dowel", Peer: "by hand"},
		},
	}
}

// Logged is [Greet] with a record per call.
func Logged(w io.Writer) endpoint.Endpoint[Message, Message] {
	return log.Calls(Greet, log.New(slog.NewJSONHandler(w, nil)), "greet")
}

// KitLogged is [Logged] with Go kit.
func KitLogged(w io.Writer) kit.Endpoint {
	logger := kitlog.With(kitlog.NewJSONLogger(w), "ts", kitlog.DefaultTimestampUTC)
	return func(ctx context.Context, request any) (_ any, err error) {
		defer func(begin time.Time) {
			_ = logger.Log("method", "greet", "took", time.Since(begin), "err", err)
		}(time.Now())
		return KitGreet(ctx, request)
	}
}

// HandLogged is [Logged] with slog alone.
func HandLogged(w io.Writer) endpoint.Endpoint[Message, Message] {
	logger := slog.New(slog.NewJSONHandler(w, nil)).With("method", "greet")
	return func(ctx context.Context, m Message) (Message, error) {
		begin := time.Now()
		m, err := Greet(ctx, m)
		code := endpoint.OK
		if err != nil {
			code = endpoint.CodeOf(err)
		}
		logger.LogAttrs(ctx, slog.LevelInfo, "call",
			slog.String("code", code.String()), slog.Duration("duration", time.Since(begin)))
		return m, err
	}
}
