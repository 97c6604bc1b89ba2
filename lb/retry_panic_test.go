package lb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// The context of an attempt ends with it, also if it panics, and with that its timer.
func TestRetryEndsTheContextOfAnAttemptThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempt context.Context
		next := lb.Retry(func(ctx context.Context, _ string) (string, error) {
			attempt = ctx
			panic("boom")
		}, lb.AttemptTimeout(time.Hour))
		func() {
			defer func() { _ = recover() }()
			_, _ = next(t.Context(), "")
		}()
		if attempt.Err() != context.Canceled {
			t.Errorf("after the panic the attempt's context says %v", attempt.Err())
		}
	})
}
