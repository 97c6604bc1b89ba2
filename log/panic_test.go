package log_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

var errBoom = errors.New("boom")

func explode(context.Context, int) (int, error) { panic(errBoom) }

// recovered returns what f panics with.
func recovered(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestAPanicIsLoggedAndGoesOn(t *testing.T) {
	var j journal
	e := log.Calls(explode, log.New(j.handler(slog.LevelInfo)), "explode")
	if v := recovered(func() { _, _ = e(t.Context(), 1) }); v != errBoom {
		t.Errorf("the panic went on as %v", v)
	}
	checkPanic(t, j.record(t))
}

func TestARecoveredPanicIsLoggedWithItsStack(t *testing.T) {
	var j journal
	e := log.Calls(endpoint.Recover(explode), log.New(j.handler(slog.LevelInfo)), "explode")
	if _, err := e(t.Context(), 1); !errors.Is(err, errBoom) {
		t.Errorf("the error is %v", err)
	}
	checkPanic(t, j.record(t))
}

func checkPanic(t *testing.T, got map[string]any) {
	t.Helper()
	if got["level"] != "ERROR" || got["code"] != "internal" || got["error"] != "internal: panic: boom" {
		t.Errorf("the record is %v", got)
	}
	if stack, _ := got["stack"].(string); !strings.Contains(stack, "log_test.explode") {
		t.Errorf("the stack does not show who panicked: %s", stack)
	}
}

// A caller that has gone away does not make a panic less of one.
func TestAPanicIsAnErrorWhateverTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var j journal
	_, _ = log.Calls(endpoint.Recover(explode), log.New(j.handler(slog.LevelInfo)), "explode")(ctx, 1)
	if got := j.record(t)["level"]; got != "ERROR" {
		t.Errorf("the level is %v", got)
	}
}

func TestAPanicGoesOnThroughASilentLogger(t *testing.T) {
	var j journal
	for _, level := range []slog.Level{slog.LevelError, slog.LevelError + 1} {
		e := log.Calls(explode, log.New(j.handler(level)), "explode",
			log.Levels(func(context.Context, error) slog.Level { return slog.LevelInfo }))
		if v := recovered(func() { _, _ = e(t.Context(), 1) }); v != errBoom {
			t.Errorf("the panic went on as %v", v)
		}
	}
	if j.Len() > 0 {
		t.Errorf("logged: %s", &j)
	}
}

func TestACallThatEndsItsGoroutineIsLogged(t *testing.T) {
	var j journal
	exit := func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil }
	e := log.Calls(exit, log.New(j.handler(slog.LevelInfo)), "exit")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = e(t.Context(), 1)
		t.Error("the call returned")
	}()
	<-done
	got := j.record(t)
	if text, _ := got["error"].(string); got["level"] != "ERROR" || !strings.Contains(text, "goroutine") {
		t.Errorf("the record is %v", got)
	}
}
