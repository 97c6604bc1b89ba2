package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// after returns an endpoint that needs d to answer, and heeds its context.
func after(d time.Duration) endpoint.Endpoint[string, string] {
	return func(ctx context.Context, req string) (string, error) {
		select {
		case <-time.After(d):
			return "hello " + req, nil
		case <-ctx.Done():
			return "", fmt.Errorf("waiting: %w", ctx.Err())
		}
	}
}

func TestTimeout(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		need, timeout, caller time.Duration // caller: its own deadline, 0 for none
		took                  time.Duration
		code                  endpoint.Code
	}{
		{"in time", time.Second, 2 * time.Second, 0, time.Second, endpoint.OK},
		{"too slow", time.Hour, 2 * time.Second, 0, 2 * time.Second, endpoint.DeadlineExceeded},
		{"the caller's deadline is earlier", time.Hour, time.Minute, time.Second, time.Second, endpoint.DeadlineExceeded},
		{"the caller's deadline is later", time.Hour, time.Second, time.Minute, time.Second, endpoint.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.caller > 0 {
					deadline, cancel := context.WithTimeout(ctx, tt.caller)
					defer cancel()
					ctx = deadline
				}
				start := time.Now()
				resp, err := endpoint.Timeout(after(tt.need), tt.timeout)(ctx, "you")
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if code := endpoint.CodeOf(err); code != tt.code {
					t.Errorf("got %v, want %v", err, tt.code)
				}
				if err == nil && resp != "hello you" {
					t.Errorf("got %q", resp)
				}
				if tt.timeout < tt.caller && ctx.Err() != nil {
					t.Error("the caller's own context is done")
				}
			})
		})
	}
}

func TestTimeoutIsPerCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := endpoint.Timeout(after(2*time.Second), 3*time.Second)
		for range 3 {
			if _, err := e(t.Context(), ""); err != nil {
				t.Fatalf("after %v: the calls share one deadline", err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := e(ctx, ""); endpoint.CodeOf(err) != endpoint.Canceled {
			t.Errorf("got %v, want the caller's cancellation", err)
		}
	})
}

// The context that next got is released when it returns, whatever it kept of it.
func TestTimeoutReleasesItsTimer(t *testing.T) {
	var kept context.Context
	e := endpoint.Timeout(func(ctx context.Context, _ query) (int, error) {
		kept = ctx
		return 0, nil
	}, time.Hour)
	if _, err := e(t.Context(), query{}); err != nil || kept.Err() == nil {
		t.Errorf("got %v, and the context is still live", err)
	}
}

func panicking(_ context.Context, value any) (string, error) { panic(value) }

func TestRecover(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range []struct {
		name  string
		value any
		text  string
		is    error
	}{
		{"text", "boom", "internal: panic: boom", nil},
		{"error", boom, "internal: panic: boom", boom},
		{"nil", nil, "internal: panic: " + new(runtime.PanicNilError).Error(), nil},
		{"abort", http.ErrAbortHandler, "internal: panic: net/http: abort Handler", http.ErrAbortHandler},
		{"coded error", &endpoint.Error{Code: endpoint.NotFound}, "internal: panic: not_found", &endpoint.Error{Code: endpoint.NotFound}},
		{"cancellation", context.Canceled, "internal: panic: context canceled", context.Canceled},
	} {
		resp, err := endpoint.Recover(panicking)(t.Context(), tt.value)
		if resp != "" || endpoint.CodeOf(err) != endpoint.Internal || err.Error() != tt.text {
			t.Errorf("%s: got %q, %v, want %q", tt.name, resp, err, tt.text)
		}
		if tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v is not found in the error", tt.name, tt.is)
		}
		if _, ok := errors.AsType[*runtime.PanicNilError](err); ok != (tt.value == nil) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if p, ok := errors.AsType[*endpoint.PanicError](err); !ok || !strings.Contains(string(p.Stack), "endpoint_test.panicking") {
			t.Errorf("%s: the stack does not show who panicked", tt.name)
		}
		if !endpoint.Fault(t.Context(), err) {
			t.Errorf("%s: a panic is not held against the instance", tt.name)
		}
		if pub := endpoint.Public(err); pub.Code != endpoint.Internal || pub.Message != "internal error" {
			t.Errorf("%s: goes out as %v", tt.name, pub)
		}
	}
}

func TestRecoverRuntimeError(t *testing.T) {
	var table map[string]int
	_, err := endpoint.Recover(func(_ context.Context, key string) (int, error) {
		table[key]++
		return 0, nil
	})(t.Context(), "k")
	if _, ok := errors.AsType[runtime.Error](err); !ok {
		t.Errorf("got %v, want a runtime error", err)
	}
}

func TestRecoverPassesThrough(t *testing.T) {
	e := endpoint.Recover(func(_ context.Context, req string) (string, error) { return req, context.Canceled })
	if resp, err := e(t.Context(), "partial"); resp != "partial" || err != context.Canceled {
		t.Errorf("got %q, %v", resp, err)
	}
}

// Goexit is no panic: the goroutine still ends, and nobody sees a response.
func TestRecoverLetsGoexitThrough(t *testing.T) {
	returned := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = endpoint.Recover(func(context.Context, query) (int, error) {
			runtime.Goexit()
			return 0, nil
		})(t.Context(), query{})
		returned = true
	}()
	<-done
	if returned {
		t.Error("Recover swallowed runtime.Goexit")
	}
}

type pointerQuery struct{ err error }

func (q *pointerQuery) Validate() error { return q.err }

func TestValidate(t *testing.T) {
	asked := 0
	e := endpoint.Validate(func(context.Context, *pointerQuery) (string, error) {
		asked++
		return "served", nil
	})
	coded := &endpoint.Error{Code: endpoint.PermissionDenied, Message: "not yours"}
	bad := errors.New("title is empty")
	for _, tt := range []struct {
		name   string
		err    error
		code   endpoint.Code
		public string
	}{
		{"valid", nil, endpoint.OK, ""},
		{"no code", bad, endpoint.InvalidArgument, "title is empty"},
		{"several", errors.Join(bad, errors.New("year is 0")), endpoint.InvalidArgument, "title is empty\nyear is 0"},
		{"coded", coded, endpoint.PermissionDenied, "not yours"},
		{"coded and wrapped", fmt.Errorf("row 7: %w", coded), endpoint.PermissionDenied, "not yours"},
	} {
		asked = 0
		resp, err := e(t.Context(), &pointerQuery{tt.err})
		if endpoint.CodeOf(err) != tt.code || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.code)
		}
		if tt.err != nil && (asked != 0 || resp != "" || endpoint.Public(err).Message != tt.public) {
			t.Errorf("%s: got %q, %+v, asked %d times", tt.name, resp, endpoint.Public(err), asked)
		}
		if tt.err == nil && (asked != 1 || resp != "served") {
			t.Errorf("%s: got %q, asked %d times", tt.name, resp, asked)
		}
	}
}

func TestValidateValueReceiver(t *testing.T) {
	for _, tt := range []struct {
		q    query
		code endpoint.Code
	}{{query{"Emma"}, endpoint.OK}, {query{}, endpoint.InvalidArgument}} {
		if _, err := endpoint.Validate(books{}.Find)(t.Context(), tt.q); endpoint.CodeOf(err) != tt.code {
			t.Errorf("by value, %v: got %v", tt.q, err)
		}
		if _, err := endpoint.Validate((&books{}).Count)(t.Context(), &tt.q); endpoint.CodeOf(err) != tt.code {
			t.Errorf("by pointer, %v: got %v", tt.q, err)
		}
	}
}

func TestFallback(t *testing.T) {
	boom, worse := errors.New("boom"), errors.New("worse")
	live, cancelled, late := contexts(t)
	for _, tt := range []struct {
		name     string
		ctx      context.Context
		err      error // of next
		fallback error
		want     string
		wantErr  error
	}{
		{"not needed", live, nil, worse, "fresh", nil},
		{"answers", live, boom, nil, "cached", nil},
		{"fails too", live, boom, worse, "cached", worse},
		{"nobody waits: cancelled", cancelled, boom, nil, "fresh", boom},
		{"nobody waits: late", late, boom, nil, "fresh", boom},
	} {
		var given error
		e := endpoint.Fallback(
			func(context.Context, string) (string, error) { return "fresh", tt.err },
			func(_ context.Context, _ string, err error) (string, error) {
				given = err
				return "cached", tt.fallback
			})
		if resp, err := e(tt.ctx, ""); resp != tt.want || err != tt.wantErr {
			t.Errorf("%s: got %q, %v", tt.name, resp, err)
		}
		if asked := tt.want == "cached"; asked && given != tt.err {
			t.Errorf("%s: fallback was given %v", tt.name, given)
		} else if !asked && given != nil {
			t.Errorf("%s: fallback was asked", tt.name)
		}
	}
}
