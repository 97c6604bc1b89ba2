package grpckit_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// news is what a registry says, and when, counted from the watch's beginning.
type news struct {
	after time.Duration
	set   []sd.Instance
	err   error
}

// script is an Instancer that says one thing after another.
func script(all ...news) sd.Instancer {
	return sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			begin := time.Now()
			for _, n := range all {
				time.Sleep(time.Until(begin.Add(n.after)))
				if ctx.Err() != nil || !yield(sd.NextSet(nil, n.set), n.err) {
					return
				}
			}
			<-ctx.Done()
		}
	})
}

// A first call waits for as long as one of lb.Endpoint, and is told as much.
func TestFirstCallsWaitForTheInstances(t *testing.T) {
	outage, known := errors.New("outage"), []sd.Instance{{ID: "a", Addr: "a:1"}}
	for name, tt := range map[string]struct {
		registry sd.Instancer
		took     time.Duration
		why      string // empty if it is served
	}{
		"they come":            {script(news{after: time.Second, set: known}), time.Second, ""},
		"there are none":       {script(news{after: time.Second}), time.Second, "of 0 known"},
		"the watch fails":      {script(news{after: time.Second, err: outage}), 4 * time.Second, "outage"},
		"and again":            {script(news{err: outage}, news{after: 2 * time.Second, err: outage}), 3 * time.Second, "outage"},
		"and is well in time":  {script(news{err: outage}, news{after: 2 * time.Second, set: known}), 2 * time.Second, ""},
		"nothing is said":      {script(), 10 * time.Second, lb.ErrNoInstance.Error()},
		"an error is late":     {script(news{after: 8 * time.Second, err: outage}), 10 * time.Second, "outage"},
		"the watch ends early": {sd.InstancerFunc(brokenOff), 3 * time.Second, lb.ErrNoInstance.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rig{fate: map[string]error{}, subs: map[string]*rigged{}}
				r.balance(t, tt.registry, lb.RoundRobin())
				if tt.took > 0 {
					time.Sleep(tt.took - time.Nanosecond)
					synctest.Wait()
					r.waits(t, "before")
				}
				before := r.state.Load()
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if r.state.Load() == before {
					t.Error("a call that waits is not asked for again")
				}
				if tt.why != "" {
					r.fails(t, "then", tt.why)
				} else if id, err := r.try(t.Context()); id != "a" || err != nil {
					t.Errorf("then: a call is for %q, %v", id, err)
				}
			})
		})
	}
}

// brokenOff is a watch that ends before it has said anything.
func brokenOff(context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(func([]*sd.Instance, error) bool) {}
}

// Who gave up hope has it again with the first set.
func TestALateFirstSetServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{fate: map[string]error{"a": errHangs}, subs: map[string]*rigged{}}
		r.balance(t, script(news{after: time.Minute, set: []sd.Instance{{ID: "a", Addr: "a:1"}}}), lb.RoundRobin())
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.fails(t, "no set", lb.ErrNoInstance.Error())
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.waits(t, "while it is dialed")
		r.meet("a", nil)
		r.subs["a"].Connect()
		synctest.Wait()
		for { // the first call that waits is the one that asks for news of a connection
			_, err := r.try(t.Context())
			if err == nil {
				return
			}
			if err != balancer.ErrNoSubConnAvailable {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
	})
}
