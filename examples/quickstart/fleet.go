package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd/memory"
)

// Fleet is the servers, and the director of this demonstration.
type Fleet struct {
	registry *memory.Registry
	logger   *slog.Logger
	out      io.Writer
	began    time.Time
	servers  []*Server
	saying   sync.Mutex
}

// Join starts one more server.
func (f *Fleet) Join(name string) error {
	s, err := StartServer(name, f.registry, f.logger)
	if err != nil {
		return err
	}
	f.servers = append(f.servers, s)
	f.Say("%s serves at http://%s", name, s.Addr)
	return nil
}

// Say writes a line of progress.
func (f *Fleet) Say(format string, args ...any) {
	f.saying.Lock()
	defer f.saying.Unlock()
	fmt.Fprintf(f.out, "%5.1f s   %s\n", time.Since(f.began).Seconds(), fmt.Sprintf(format, args...))
}

// Troubles returns a function that is told how many of the total calls were made,
// and that makes trouble on the way.
func (f *Fleet) Troubles(total int) func(calls int64) {
	acts := []func(){
		func() {
			f.servers[0].Kill(f.registry)
			f.Say("a is killed, and the registry does not know")
		},
		func() {
			f.servers[1].Slow(100 * time.Millisecond)
			f.Say("b turns slow")
		},
		func() {
			if err := f.Join("d"); err != nil {
				f.Say("d cannot join: %v", err)
				return
			}
			f.servers[3].Fate = "joined late"
		},
		func() {
			f.servers[2].Fail()
			f.Say("c fails every call")
		},
		func() {}, // and the rest of the calls with b and d
	}
	var stage sync.Mutex
	next := 0
	return func(calls int64) {
		if !stage.TryLock() {
			return // another caller directs
		}
		defer stage.Unlock()
		if next < len(acts) && calls >= int64((next+1)*total/(len(acts)+1)) {
			f.Say("%d of %d calls made", calls, total)
			acts[next]()
			next++
		}
	}
}

// Serve keeps the servers running until ctx ends.
func (f *Fleet) Serve(ctx context.Context) {
	last := f.servers[len(f.servers)-1]
	fmt.Fprintf(f.out, "\nstill serving; try\n\n    curl -i --json '{\"text\": \"hello\"}' http://%s/uppercase\n\nend with Ctrl-C\n", last.Addr)
	<-ctx.Done()
}

// Stop ends every server and waits for it.
func (f *Fleet) Stop() error {
	var errs []error
	for _, s := range f.servers {
		errs = append(errs, s.Stop())
	}
	return errors.Join(errs...)
}
