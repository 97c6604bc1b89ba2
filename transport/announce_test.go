package transport_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
)

func TestServeOutageUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &registry{out: errOutage}
		var log strings.Builder
		err := transport.Serve(stopAfter(t, time.Minute), "", newFakeServer(newDiary()), somewhere,
			transport.Register(reg, sd.Instance{}), transport.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		if err != nil {
			t.Errorf("an outage of the registry is no error of the service: %v", err)
		}
		for _, want := range []string{`msg="not registered yet, serving nevertheless" waited=5s`, "never registered", errOutage.Error()} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

func TestServeTellsOfALateRegistration(t *testing.T) {
	for outage, want := range map[time.Duration]bool{time.Second: false, time.Minute: true} {
		synctest.Test(t, func(t *testing.T) {
			reg := &registry{out: errOutage}
			time.AfterFunc(outage, func() { reg.set(nil) })
			var log strings.Builder
			err := transport.Serve(stopAfter(t, time.Hour), "", newFakeServer(newDiary()), somewhere,
				transport.Register(reg, sd.Instance{}), transport.Logger(slog.New(slog.NewTextHandler(&log, nil))),
				transport.RegisterWithin(20*time.Second))
			if said := strings.Contains(log.String(), "registered at last"); err != nil || said != want {
				t.Errorf("after an outage of %v: %v, and the log is\n%s", outage, err, &log)
			}
		})
	}
}

func TestServeTwoRegistries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, whole := &registry{out: errOutage}, &registry{}
		registered := make(chan *sd.Registration, 2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- transport.Serve(ctx, "", newFakeServer(newDiary()), somewhere, quiet,
				transport.Register(broken, sd.Instance{ID: "a"}), transport.Register(whole, sd.Instance{ID: "b"}),
				transport.OnRegister(func(r *sd.Registration) { registered <- r }))
		}()
		time.Sleep(time.Second)
		if got := (<-registered).Instance(); got.ID != "b" || got.Addr != "10.0.0.1:8080" {
			t.Errorf("got %+v", got)
		}
		cancel()
		if err := <-done; err != nil || len(whole.instances()) > 0 {
			t.Errorf("got %v, left %v", err, whole.instances())
		}
	})
}

func TestServeNamesAllRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := transport.Serve(t.Context(), "", newFakeServer(newDiary()), somewhere, quiet,
			transport.Register(refusal{}, sd.Instance{ID: "a"}), transport.Register(refusal{}, sd.Instance{ID: "b"}))
		got := lines(err)
		slices.Sort(got)
		want := []string{
			"transport: register 10.0.0.1:8080: bad credentials of a",
			"transport: register 10.0.0.1:8080: bad credentials of b",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// refusal is a registry that refuses everybody, all at the same time.
type refusal struct{}

func (refusal) Register(_ context.Context, in sd.Instance) (*sd.Registration, error) {
	time.Sleep(time.Second)
	return nil, errors.New("bad credentials of " + in.ID)
}
