package registry

import (
	"context"
	"sync"
	"testing"

	kit "github.com/go-kit/kit/sd"

	"github.com/dowelkit/dowel/sd"
)

// watchDowel sends what an Instancer yields.
func watchDowel(t testing.TB, instancer sd.Instancer) <-chan []string {
	ctx, cancel := context.WithCancel(context.Background())
	sets := make(chan []string)
	var wg sync.WaitGroup
	wg.Go(func() {
		for set, err := range instancer.Watch(ctx) {
			if err != nil {
				t.Logf("watch: %v", err)
				continue
			}
			addrs := make([]string, len(set))
			for i, in := range set {
				addrs[i] = in.Addr
			}
			select {
			case sets <- addrs:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	return sets
}

// watchKit sends what an Instancer of Go kit publishes. That has no end to wait for.
func watchKit(t testing.TB, instancer kit.Instancer) <-chan []string {
	events, sets, done := make(chan kit.Event), make(chan []string), make(chan struct{})
	go func() {
		for {
			select {
			case e := <-events:
				if e.Err != nil {
					t.Logf("watch: %v", e.Err)
					continue
				}
				select {
				case sets <- e.Instances:
				case <-done:
				}
			case <-done:
				return
			}
		}
	}()
	instancer.Register(events)
	t.Cleanup(func() {
		instancer.Deregister(events)
		close(done)
		instancer.Stop()
	})
	return sets
}
