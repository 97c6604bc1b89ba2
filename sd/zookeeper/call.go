package zookeeper

import (
	"context"
	"sync"
)

// do makes a call of the client, which takes no context, and returns early when
// ctx is done. The call then ends when the client gives it up, and late gets its
// result; late may be nil.
func do[T any](ctx context.Context, call func() T, late func(T)) (T, error) {
	done := make(chan T)
	go func() {
		v := call()
		select {
		case done <- v:
		case <-ctx.Done():
			if late != nil {
				late(v)
			}
		}
	}()
	select {
	case v := <-done:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// each calls f with 0 to n-1, at most limit of them at a time, and returns the
// first error, after which it begins no more.
func each(ctx context.Context, n, limit int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu   sync.Mutex
		next int
		wg   sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && ctx.Err() == nil
	}
	for range min(n, limit) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
