package etcd

import (
	"math"
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
// asked a little question twice in d while nothing changes. A new stream has to say
// its first word in two thirds of d, and the whole set has to arrive in six times d,
// as long as the server answers meanwhile. d must be at least 1 s; the default is 6 s:
// with it, and the delays of WatchBackoff, a watch whose connection died without a
// word is back within 10 s, however long the outage was.
func WatchSilence(d time.Duration) WatchOption { return func(o *watchOptions) { o.silence = d } }

// firstWord is how long a new stream may take to say something.
func (o *watchOptions) firstWord() time.Duration { return o.silence * 2 / 3 }

// WatchBackoff sets the delays before a watch that broke is set up again, and the set
// read anew. Its zero fields mean 1 s and 4 s.
func WatchBackoff(b sd.Backoff) WatchOption { return func(o *watchOptions) { o.backoff = b } }

func newWatchOptions(m *misuse, opts []WatchOption) watchOptions {
	o := watchOptions{silence: 6 * time.Second}
	apply(m, &o, opts)
	m.add(o.silence < time.Second, "WatchSilence must be at least 1s, not %v", o.silence)
	m.add(o.backoff.Base < 0 || o.backoff.Cap < 0, "WatchBackoff must not be negative, not %+v", o.backoff)
	o.silence = min(o.silence, math.MaxInt64/6) // what is made of it is not to overflow
	if o.backoff.Base == 0 {
		o.backoff.Base = time.Second
	}
	if o.backoff.Cap == 0 {
		o.backoff.Cap = 4 * time.Second
	}
	return o
}
