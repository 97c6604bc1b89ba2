package sd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestEndpointerDrainsBeforeItCloses(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		set := e.Set()
		node, client := set.Node(0), set.Client(0)
		if !node.Acquire() {
			t.Fatal("a live node refuses")
		}
		src <- event{set: at(nil, "b")}
		synctest.Wait()
		if got := ids(e.Set()); got != "b" {
			t.Errorf("set is %q", got)
		}
		if node.Acquire() {
			t.Error("a node that left accepts calls")
		}
		if client.closed.Load() != 0 || client.ctx.Err() != nil {
			t.Error("the client was closed under a call")
		}
		node.Release()
		synctest.Wait()
		if client.closed.Load() != 1 {
			t.Error("the client was not closed after its last call")
		}
	})
}

func TestEndpointerBoundsTheDrain(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		client := e.Set().Client(0)
		e.Set().Node(0).Acquire() // and never released
		src <- event{set: at(nil, "b")}
		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		if client.closed.Load() != 0 {
			t.Error("closed before the drain timeout")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if client.closed.Load() != 1 {
			t.Error("not closed after the drain timeout")
		}
	}, sd.DrainTimeout(time.Minute))
}

func TestEndpointerClosesAClientThatComesTooLate(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		time.Sleep(time.Hour) // heeds no context
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if e.Set().Len() != 0 {
			t.Error("a client that came too late was used")
		}
	})
}

type failingClient struct{}

func (failingClient) Close() error { return errors.New("close failed") }

func TestEndpointerCloseReportsEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(script)
		e := sd.NewEndpointer(src, func(context.Context, *sd.Instance) (failingClient, error) { return failingClient{}, nil })
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		for range 2 {
			if err := e.Close(); err == nil || strings.Count(err.Error(), "close failed") != 2 {
				t.Errorf("Close: %v", err)
			}
		}
	})
}
