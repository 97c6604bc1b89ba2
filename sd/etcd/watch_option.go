package etcd

import (
	"time"

	"github.com/dowelkit/dowel/sd"
)

// WatchOption changes how an Instancer watches.
type WatchOption func(*watchOptions)

type watchOptions struct {
	silence time.Duration
	backoff sd.Backoff
}

// WatchSilence sets after what time a server that says nothing at all is an error:
// one that hangs, or is behind a network that swallows everything. For that it is
// asked a little question twice in d while nothing changes. The whole set, too, has
// to arrive in d, and after failures in a row in more, up to six times d. d must be
// at least 1 s; the default is 10 s, less than the 15 s after which etcd gives a
// silent instance up.
func WatchSilence(d time.Duration) WatchOption { return func(o *watchOptions) { o.silence = d } }

// WatchBackoff sets the delays before a watch that broke is set up again, and the set
// read anew. Its zero fields mean 1 s and 5 s.
func WatchBackoff(b sd.Backoff) WatchOption { return func(o *watchOptions) { o.backoff = b } }

func newWatchOptions(m *misuse, opts []WatchOption) watchOptions {
	o := watchOptions{silence: 10 * time.Second}
	apply(m, &o, opts)
	m.add(o.silence < time.Second, "WatchSilence must be at least 1s, not %v", o.silence)
	m.add(o.backoff.Base < 0 || o.backoff.Cap < 0, "WatchBackoff must not be negative, not %+v", o.backoff)
	if o.backoff.Base == 0 {
		o.backoff.Base = time.Second
	}
	if o.backoff.Cap == 0 {
		o.backoff.Cap = 5 * time.Second
	}
	return o
}
