package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/dowelkit/dowel/endpoint"
)

// calls measures those of one kind, method and set of attributes.
type calls struct {
	epoch    time.Time // the zero of a clock that is cheaper to read than time.Now
	duration metric.Float64Histogram
	outcomes [len(codeNames)][]metric.RecordOption
	gaveUp   []metric.RecordOption // canceled by this side, which is no error

	_      [64]byte // what every call writes, apart from what it only reads
	active atomic.Int64
}

func newCalls(k *kind, meter metric.Meter, attrs attribute.Set) *calls {
	c := &calls{epoch: time.Now()}
	duration, active, err1, err2 := k.instruments(meter)
	report(err1, err2)
	c.duration = duration
	for code, name := range codeNames {
		status := semconv.RPCResponseStatusCode(name)
		if k.isError(endpoint.Code(code)) {
			c.outcomes[code] = with(attrs, status, semconv.ErrorTypeKey.String(name))
		} else {
			c.outcomes[code] = with(attrs, status)
		}
		if endpoint.Code(code) == endpoint.Canceled {
			c.gaveUp = with(attrs, status)
		}
	}
	of := metric.WithAttributeSet(attrs)
	if err2 == nil {
		_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
			o.ObserveInt64(active, c.active.Load(), of)
			return nil
		}, active)
		report(err)
	}
	return c
}

// with returns attrs and more, made ready once so that a call allocates nothing for them.
func with(attrs attribute.Set, more ...attribute.KeyValue) []metric.RecordOption {
	all := attribute.NewSet(append(attrs.ToSlice(), more...)...)
	return []metric.RecordOption{metric.WithAttributeSet(all)}
}

// begin returns when a call began.
func (c *calls) begin() time.Duration {
	c.active.Add(1)
	return time.Since(c.epoch)
}

// end notes what became of it. One that did not return panicked or ended its goroutine.
func (c *calls) end(ctx context.Context, start time.Duration, returned bool, err error) {
	took := time.Since(c.epoch) - start
	c.active.Add(-1)
	code := endpoint.Internal
	if returned {
		code = endpoint.CodeOf(err)
	}
	outcome := c.outcomes[code]
	if code == endpoint.Canceled && ctx.Err() == context.Canceled {
		outcome = c.gaveUp
	}
	c.duration.Record(ctx, took.Seconds(), outcome...)
}
