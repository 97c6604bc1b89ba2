package circuitbreaker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

// The well-known breaker fits as it is, and so does ours.
var (
	_ circuitbreaker.Breaker = (*gobreaker.TwoStepCircuitBreaker[any])(nil)
	_ circuitbreaker.Breaker = (*circuitbreaker.Circuit)(nil)
)

// play is an endpoint that does what it is asked to.
func play(ctx context.Context, do func(context.Context) error) (string, error) {
	return "answer", do(ctx)
}

func answer(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

var errBroken = &endpoint.Error{Code: endpoint.Internal, Message: "broken"}

// brk is a breaker with what the tests ask of it.
type brk struct {
	circuitbreaker.Breaker
	counts func() gobreaker.Counts
	state  func() gobreaker.State
}

// users returns a breaker of the user's own making, that opens at the first
// failure, for a second.
func users() brk {
	b := gobreaker.NewTwoStepCircuitBreaker[int](gobreaker.Settings{
		Timeout:     time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.TotalFailures > 0 },
		IsExcluded:  circuitbreaker.IsExcluded,
	})
	return brk{b, b.Counts, b.State}
}

func TestWhatCounts(t *testing.T) {
	canceled := func(err error) func(context.Context) error {
		return func(ctx context.Context) error {
			ctx.Value(cancelKey{}).(context.CancelFunc)()
			return err
		}
	}
	deadline := func(err error) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			return err
		}
	}
	const success, failure, neither = "success", "failure", "neither"
	for _, tt := range []struct {
		name string
		do   func(context.Context) error
		want string
	}{
		{"ok", answer(nil), success},
		{"ok, then cancelled", canceled(nil), success},
		{"not found", answer(&endpoint.Error{Code: endpoint.NotFound}), success},
		{"exhausted", answer(&endpoint.Error{Code: endpoint.ResourceExhausted}), success},
		{"plain error", answer(errors.New("?")), failure},
		{"internal", answer(errBroken), failure},
		{"unavailable", answer(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}), failure},
		{"deadline", deadline(context.DeadlineExceeded), failure},
		{"deadline told as cancellation", deadline(context.Canceled), failure},
		{"cancelled", canceled(context.Canceled), neither},
		{"cancelled, told otherwise", canceled(errBroken), neither},
		{"cancelled, wrapped", canceled(fmt.Errorf("x: %w", context.Canceled)), neither},
		{"cancelled elsewhere", answer(&endpoint.Error{Code: endpoint.Canceled}), neither},
		{"cancelled elsewhere, wrapped", answer(fmt.Errorf("x: %w", context.Canceled)), neither},
		{"refused here", answer(&endpoint.Error{Code: endpoint.Unavailable, Local: true, NotProcessed: true}), neither},
	} {
		for _, probing := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, half-open %t", tt.name, probing), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := users()
					guarded := circuitbreaker.Break(play, b)
					before := gobreaker.StateClosed
					if probing {
						_, _ = guarded(t.Context(), answer(errBroken))
						time.Sleep(time.Second + 1)
						before = gobreaker.StateHalfOpen
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					ctx = context.WithValue(ctx, cancelKey{}, cancel)
					if _, err := guarded(ctx, tt.do); errors.Is(err, circuitbreaker.ErrOpen) {
						t.Fatal("not called")
					}
					want := map[string]gobreaker.State{success: gobreaker.StateClosed, failure: gobreaker.StateOpen, neither: before}[tt.want]
					if got := b.state(); got != want {
						t.Errorf("state %v, want %v", got, want)
					}
					if c := b.counts(); tt.want == neither && (c.TotalExclusions != 1 || c.TotalSuccesses+c.TotalFailures != 0) {
						t.Errorf("counted %+v, want one exclusion", c)
					}
					if c := b.counts(); tt.want == success && !probing && c.TotalSuccesses != 1 {
						t.Errorf("counted %+v, want one success", c)
					}
				})
			})
		}
	}
}

type cancelKey struct{}

func TestRefusal(t *testing.T) {
	guarded := circuitbreaker.Break(play, users())
	_, _ = guarded(t.Context(), answer(errBroken))
	resp, err := guarded(t.Context(), func(context.Context) error { t.Error("called"); return nil })
	e, _ := errors.AsType[*endpoint.Error](err)
	if e == nil || e.Code != endpoint.Unavailable || !e.NotProcessed || !e.Local || !e.Outgoing || e.RetryAfter != 0 || resp != "" {
		t.Errorf("got %q, %+v, want Unavailable, not processed, local, outgoing", resp, e)
	}
	if !errors.Is(err, circuitbreaker.ErrOpen) || !errors.Is(err, gobreaker.ErrOpenState) {
		t.Errorf("%v is neither ErrOpen nor the breaker's own error", err)
	}
	if endpoint.Public(err).NotProcessed {
		t.Error("a refusal in the middle of a call tells the caller that nothing was processed")
	}
	if endpoint.Fault(t.Context(), err) {
		t.Error("a refusal counts as the instance's fault")
	}
}

type forbidden struct{ t *testing.T }

func (f forbidden) Allow() (func(error), error) {
	f.t.Error("asked")
	return nil, errBroken
}

func TestDoneContextDoesNotAskTheBreaker(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	guarded := circuitbreaker.Break(play, forbidden{t})
	for _, ctx := range []context.Context{canceled, late} {
		if _, err := guarded(ctx, answer(nil)); err != ctx.Err() {
			t.Errorf("got %v, want %v", err, ctx.Err())
		}
	}
}

// A panic, half-open too, counts and leaves no slot taken.
func TestPanic(t *testing.T) {
	ends := map[string]func(){"panic": func() { panic("boom") }, "panic of a cancelled call": func() { panic("boom") }, "Goexit": runtime.Goexit}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := users()
				guarded := circuitbreaker.Break(play, b)
				for range 3 { // the first time closed, then half-open
					ctx, cancel := context.WithCancel(t.Context())
					if name == "panic of a cancelled call" {
						ctx = context.WithValue(ctx, cancelKey{}, cancel)
					}
					var value any
					var wg sync.WaitGroup
					wg.Go(func() {
						defer func() { value = recover() }()
						_, _ = guarded(ctx, func(ctx context.Context) error {
							if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
								cancel()
							}
							end()
							return nil
						})
					})
					wg.Wait()
					cancel()
					if name != "Goexit" && value != "boom" {
						t.Fatalf("the panic became %v", value)
					}
					if b.state() != gobreaker.StateOpen {
						t.Fatalf("state %v, want open", b.state())
					}
					time.Sleep(time.Second + 1)
				}
				if _, err := guarded(t.Context(), answer(nil)); err != nil || b.state() != gobreaker.StateClosed {
					t.Errorf("a slot is taken: %v, %v", err, b.state())
				}
			})
		})
	}
}

func TestFailureFunc(t *testing.T) {
	guarded := circuitbreaker.Break(play, users(), circuitbreaker.FailureFunc(func(_ context.Context, err error) bool {
		return endpoint.CodeOf(err) == endpoint.NotFound
	}))
	_, _ = guarded(t.Context(), answer(errBroken))
	_, _ = guarded(t.Context(), answer(&endpoint.Error{Code: endpoint.NotFound}))
	if _, err := guarded(t.Context(), answer(nil)); !errors.Is(err, circuitbreaker.ErrOpen) {
		t.Errorf("got %v, want a refusal", err)
	}
}

// A failure function that panics counts as a failure and leaves no place taken.
func TestFailureFuncThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := users()
		guarded := circuitbreaker.Break(play, b, circuitbreaker.FailureFunc(func(context.Context, error) bool { panic("boom") }))
		for range 3 { // the first time closed, then half-open
			func() {
				defer func() { _ = recover() }()
				_, _ = guarded(t.Context(), answer(errBroken))
			}()
			if b.state() != gobreaker.StateOpen {
				t.Fatalf("state %v, want open", b.state())
			}
			time.Sleep(time.Second + 1)
		}
		if _, err := guarded(t.Context(), answer(nil)); err != nil || b.state() != gobreaker.StateClosed {
			t.Errorf("a place is taken: %v, %v", err, b.state())
		}
	})
}

func TestVerdict(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if got := circuitbreaker.Verdict(t.Context(), errBroken); got != errBroken || circuitbreaker.IsExcluded(got) {
		t.Errorf("failure: %v", got)
	}
	if got := circuitbreaker.Verdict(t.Context(), &endpoint.Error{Code: endpoint.NotFound}); got != nil {
		t.Errorf("success: %v", got)
	}
	got := circuitbreaker.Verdict(canceled, errBroken)
	if !circuitbreaker.IsExcluded(got) || !errors.Is(got, errBroken) {
		t.Errorf("cancelled: %v", got)
	}
}
