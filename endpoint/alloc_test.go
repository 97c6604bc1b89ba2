package endpoint_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

func passThrough[Req, Resp any](next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) { return next(ctx, req) }
}

var layers = map[string]endpoint.Middleware[query, int]{
	"pass-through": passThrough[query, int],
	"chain":        endpoint.Chain(passThrough[query, int], passThrough[query, int], passThrough[query, int]),
	"Recover":      endpoint.Recover[query, int],
	"Validate":     endpoint.Validate[query, int],
	"Fallback": func(next endpoint.Endpoint[query, int]) endpoint.Endpoint[query, int] {
		return endpoint.Fallback(next, find)
	},
}

func TestLayersDoNotAllocate(t *testing.T) {
	ctx := t.Context()
	for name, layer := range layers {
		e := layer(books{}.Find)
		if n := testing.AllocsPerRun(100, func() { _, _ = e(ctx, query{"Emma"}) }); n != 0 {
			t.Errorf("%s: %v allocations per call", name, n)
		}
	}
}

// The two questions are asked once per call by breakers and balancers alike.
func TestVerdictsDoNotAllocate(t *testing.T) {
	ctx := t.Context()
	for _, err := range []error{
		nil, errors.New("boom"), context.Canceled,
		wrapped{&endpoint.Error{Code: endpoint.Internal}},
		errors.Join(&endpoint.Error{Local: true}, &endpoint.Error{Local: true}),
	} {
		if n := testing.AllocsPerRun(100, func() {
			endpoint.Fault(ctx, err)
			endpoint.IsNotProcessed(err)
			endpoint.RetryAfter(err)
		}); n != 0 {
			t.Errorf("%v: %v allocations", err, n)
		}
	}
}

func TestMiddlewareConcurrentSafe(t *testing.T) {
	var served, failed atomic.Int64
	stack := endpoint.Recover(endpoint.Fallback(endpoint.Validate(endpoint.Timeout(
		func(ctx context.Context, q query) (int, error) {
			if q.Title == "panic" {
				panic(q.Title)
			}
			return books{}.Find(ctx, q)
		}, time.Minute)),
		func(_ context.Context, _ query, err error) (int, error) { return 0, err },
	))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				for _, title := range []string{"Emma", "", "panic"} {
					if _, err := stack(t.Context(), query{title}); err != nil {
						failed.Add(1)
					} else {
						served.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	if served.Load() != 400 || failed.Load() != 800 {
		t.Errorf("served %d, failed %d, want 400 and 800", served.Load(), failed.Load())
	}
}

func BenchmarkLayer(b *testing.B) {
	ctx := b.Context()
	layers := map[string]endpoint.Middleware[query, int]{
		"Timeout": func(next endpoint.Endpoint[query, int]) endpoint.Endpoint[query, int] {
			return endpoint.Timeout(next, time.Minute)
		},
		"none":         endpoint.Chain[query, int](),
		"pass-through": passThrough[query, int],
		"Recover":      endpoint.Recover[query, int],
		"Validate":     endpoint.Validate[query, int],
	}
	for name, layer := range layers {
		e := layer(books{}.Find)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = e(ctx, query{"Emma"})
			}
		})
	}
}

func BenchmarkFault(b *testing.B) {
	ctx := b.Context()
	err := errors.Join(wrapped{&endpoint.Error{Code: endpoint.Unavailable}})
	for b.Loop() {
		endpoint.Fault(ctx, err)
	}
}
