package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		r, err := memory.NewRegistry().Registrar("orders").Register(t.Context(), sd.Instance{Addr: "a:1"})
		if err != nil {
			t.Fatal(err)
		}
		metrics.Registration(r, "orders", m.with)
		want := func(there, missing int, age float64) {
			t.Helper()
			m.want("dowel.registration.registered_instances", fmt.Sprintf("dowel.name=orders: %d", there))
			m.want("dowel.registration.missing_instances", fmt.Sprintf("dowel.name=orders: %d", missing))
			m.want("dowel.registration.failing_instances", "dowel.name=orders: 0")
			m.want("dowel.registration.state.age", fmt.Sprintf("dowel.name=orders: %v", age))
		}
		time.Sleep(30 * time.Second)
		want(1, 0, 30)
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want(0, 1, 1)
	})
}

// lossy is an entry that a registry loses and does not take back while it is down.
type lossy struct {
	down atomic.Bool
	lost chan error
}

func (l *lossy) Put(context.Context, sd.Instance) error {
	if l.down.Load() {
		return errors.New("the registry is down")
	}
	return nil
}

func (l *lossy) Hold(ctx context.Context) error {
	select {
	case err := <-l.lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lossy) Remove(context.Context) error { return nil }

func TestARegistrationThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		entry := &lossy{lost: make(chan error)}
		r, err := sd.Keep(t.Context(), sd.Instance{Addr: "a:1"}, entry)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Deregister(context.Background()) }()
		metrics.Registration(r, "orders", m.with)
		want := func(there, missing, failing int) {
			t.Helper()
			m.want("dowel.registration.registered_instances", fmt.Sprintf("dowel.name=orders: %d", there))
			m.want("dowel.registration.missing_instances", fmt.Sprintf("dowel.name=orders: %d", missing))
			m.want("dowel.registration.failing_instances", fmt.Sprintf("dowel.name=orders: %d", failing))
		}
		want(1, 0, 0)
		entry.down.Store(true)
		entry.lost <- errors.New("the lease is gone")
		time.Sleep(time.Minute)
		want(0, 1, 1)
		entry.down.Store(false)
		time.Sleep(time.Minute)
		want(1, 0, 0)
	})
}
