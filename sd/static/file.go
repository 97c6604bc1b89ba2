package static

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// FileOption changes how a file is watched.
type FileOption func(*file)

// Every sets how often the file is read, on average; each wait is up to a quarter
// shorter or longer, so that many processes do not read in step. The default is
// 5 s.
func Every(d time.Duration) FileOption { return func(f *file) { f.every = d } }

// NewFile returns an Instancer of the instances in a file. Each watch reads the
// file again and again. A file that is missing, unreadable, malformed or larger
// than 16 MiB is an error beside the last good set, yielded once until it
// changes, and the watch goes on; so the file may also appear later. Replace the
// file by renaming another over it, and no half of it is ever seen.
//
// No context interrupts a read: a file system that blocks, as one of a network may,
// delays the end of a watch until it answers.
//
// It panics if the path is empty, if the interval is not positive, and if an
// option is nil.
func NewFile(path string, opts ...FileOption) sd.Instancer {
	f := &file{path: path, every: 5 * time.Second}
	var faults []string
	if path == "" {
		faults = append(faults, "the path is empty")
	}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Sprintf("option %d is nil", i+1))
			continue
		}
		opt(f)
	}
	if f.every <= 0 {
		faults = append(faults, fmt.Sprintf("the interval must be positive, not %v", f.every))
	}
	if len(faults) > 0 {
		panic("static: NewFile: " + strings.Join(faults, "; "))
	}
	return sd.InstancerFunc(f.watch)
}

type file struct {
	path  string
	every time.Duration
}

func (f *file) watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		w := reader{path: f.path}
		for ctx.Err() == nil {
			if set, news, err := w.read(); news && !yield(set, err) {
				return
			}
			select {
			case <-time.After(f.wait()):
			case <-ctx.Done():
			}
		}
	}
}

// wait returns a quarter less to a quarter more than every, or what is left of
// that in a duration.
func (f *file) wait() time.Duration {
	least := f.every - f.every/4
	return least + min(rand.N(f.every/2+1), math.MaxInt64-least)
}
