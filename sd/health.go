package sd

import (
	"context"
	"iter"
	"net"
	"time"
)

// HealthOption changes how HealthCheck probes.
type HealthOption func(*health)

type health struct {
	source      Instancer
	probe       func(context.Context, *Instance) error
	interval    time.Duration
	timeout     time.Duration
	jitter      float64
	up, down    int
	concurrency int
	panicBelow  float64
	admit       bool
	report      func(*Instance, error)
}

// HealthInterval sets the time between two probes of an instance. It must be
// positive; the default is 10 s.
func HealthInterval(d time.Duration) HealthOption { return func(h *health) { h.interval = d } }

// HealthTimeout bounds each probe through its context. It must be positive; the
// default is 2 s.
func HealthTimeout(d time.Duration) HealthOption { return func(h *health) { h.timeout = d } }

// HealthJitter spreads each interval evenly over plus and minus that fraction of
// it, so that clients do not probe in step. It goes from 0 to 1; the default is
// 0.2.
func HealthJitter(fraction float64) HealthOption { return func(h *health) { h.jitter = fraction } }

// HealthThresholds sets how many successes in a row bring an instance back, and
// how many failures in a row take it out. Both must be positive; the defaults are
// 2 and 3. They do not apply to the first probe of an instance, which decides alone.
func HealthThresholds(up, down int) HealthOption {
	return func(h *health) { h.up, h.down = up, down }
}

// HealthConcurrency bounds the probes of a watch that run at once. It must be
// positive; the default is 32. Probes that find no room are late, not lost.
func HealthConcurrency(n int) HealthOption { return func(h *health) { h.concurrency = n } }

// HealthPanicThreshold sets the fraction of instances below which probes are not
// believed any more: with fewer healthy ones than that the whole set is kept,
// since the few would break under the load of all. It goes from 0 to 1; Envoy,
// where the name comes from, uses 0.5. The default, zero, keeps the whole set only
// when no instance is healthy.
func HealthPanicThreshold(fraction float64) HealthOption {
	return func(h *health) { h.panicBelow = fraction }
}

// HealthAdmitAtOnce makes an instance that is new in the set part of it at once.
// By default it must pass its first probe.
func HealthAdmitAtOnce() HealthOption { return func(h *health) { h.admit = true } }

// HealthReport sets a function that is told when an instance is taken out (with
// the error of the last probe) or comes in (with nil), for logs and metrics. It is
// called on a goroutine of the watch, one call at a time, and must not block.
func HealthReport(f func(in *Instance, err error)) HealthOption {
	return func(h *health) { h.report = f }
}

// HealthCheck returns an Instancer of those instances of source that answer
// probes. probe returns nil for a healthy instance; it must heed its context,
// must not modify the instance and is called from several goroutines at once.
// [ProbeTCP] is one.
//
// An instance that joins a set is left out until its first probe succeeds. At the
// start, after the set was empty, and where all are new at once, nothing is worse than
// no instance: all that come then are in, and those whose first probe fails are taken
// out. A new weight, zone or meta keeps the health of an instance; a new address is a
// new instance.
//
// Errors of source are yielded beside, and once more after each set for as long
// as source is in error; probing goes on then. Failed probes are no errors of the
// watch, see [HealthReport]. Each watch probes for itself: put [Share] round it
// where there are several. A panic of probe is thrown on the consumer's goroutine.
//
// HealthCheck panics if source, probe or an option is nil, or an option is out of
// its range.
func HealthCheck(source Instancer, probe func(context.Context, *Instance) error, opts ...HealthOption) Instancer {
	h := &health{
		source: source, probe: probe,
		interval: 10 * time.Second, timeout: 2 * time.Second, jitter: 0.2,
		up: 2, down: 3, concurrency: 32,
		report: func(*Instance, error) {},
	}
	var f faults
	apply(&f, h, opts)
	h.validate(&f)
	f.refuse("HealthCheck")
	// The checker must go on while the consumer is busy, so it runs behind a pump.
	checked := InstancerFunc(h.check)
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			wake := make(chan struct{}, 1)
			p := startPump(ctx, checked)
			defer stop(p)
			relay(ctx, p.read(wake), wake, yield)
		}
	})
}

func (h *health) validate(f *faults) {
	f.absent(h.source, "source")
	f.add(h.probe == nil, "probe is nil")
	f.add(h.interval <= 0, "HealthInterval must be positive, not %v", h.interval)
	f.add(h.timeout <= 0, "HealthTimeout must be positive, not %v", h.timeout)
	f.add(!(h.jitter >= 0 && h.jitter <= 1), "HealthJitter must be from 0 to 1, not %v", h.jitter)
	f.add(h.up <= 0 || h.down <= 0, "HealthThresholds must be positive, not %d and %d", h.up, h.down)
	f.add(h.concurrency <= 0, "HealthConcurrency must be positive, not %d", h.concurrency)
	f.add(!(h.panicBelow >= 0 && h.panicBelow <= 1), "HealthPanicThreshold must be from 0 to 1, not %v", h.panicBelow)
	f.add(h.report == nil, "HealthReport is nil")
}

// ProbeTCP is a probe for [HealthCheck]: an instance is healthy if it accepts a
// TCP connection, which is closed at once.
func ProbeTCP(ctx context.Context, in *Instance) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", in.Addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
