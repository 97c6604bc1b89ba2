package consul

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// WatchOption changes what an Instancer finds, and how.
type WatchOption func(*watchOptions)

type watchOptions struct {
	datacenter string
	tags       []string
	filter     string
	stale      bool
	health     health
	wait       time.Duration
	pace       time.Duration
	silence    time.Duration
	backoff    sd.Backoff
}

// health says which instances are found, by the state of their checks.
type health int

const (
	passing health = iota
	warning
	anyHealth
)

// WatchDatacenter looks in that datacenter. The default is that of the client's
// configuration, and without one the agent's.
func WatchDatacenter(name string) WatchOption { return func(o *watchOptions) { o.datacenter = name } }

// WatchTags finds only instances that have all of these tags.
func WatchTags(tags ...string) WatchOption {
	tags = slices.Clone(tags)
	return func(o *watchOptions) { o.tags = append(o.tags, tags...) }
}

// WatchFilter finds only entries for which Consul's filter expression is true, such
// as `Service.Meta.version == "2"`. Consul reads it: if it is malformed, each watch
// yields Consul's answer as an error.
func WatchFilter(expression string) WatchOption {
	return func(o *watchOptions) { o.filter = expression }
}

// WatchStale lets any Consul server answer, not the leader only: more load can be
// borne, and a set may be older than another by some milliseconds. An answer by a
// server that knows no leader is [ErrNoLeader].
func WatchStale() WatchOption { return func(o *watchOptions) { o.stale = true } }

// WatchWarning also finds instances with checks in the state warning; these have
// the weight that Consul has for that state. The default is to find those only
// whose checks all pass.
func WatchWarning() WatchOption { return func(o *watchOptions) { o.health = max(o.health, warning) } }

// WatchAnyHealth finds all instances, whatever their checks say. Each then has the
// worst state of its checks in Meta[MetaStatus].
func WatchAnyHealth() WatchOption { return func(o *watchOptions) { o.health = anyHealth } }

// WatchWait sets how long Consul may hold a query back while nothing changes, from
// 1 s to 10 min. Then it sends the whole set again, so that this is what a large set
// costs while nothing happens. The default is 1 min. The WaitTime of the client's
// configuration is not used. The Timeout of an HTTP client of your own, if it has one,
// must be longer than d, and so must be the time after which a gateway on the way
// forgets connections that are idle.
func WatchWait(d time.Duration) WatchOption { return func(o *watchOptions) { o.wait = d } }

// WatchSilence sets after what time an agent that says nothing at all is an error:
// one that hangs, or is behind a network that swallows everything. The error is
// [ErrSilent]. In the same time a query is made anew whose connection alone is dead, or
// that waits for an index which the agent had before it lost its data, and in up to half
// as much again if those before it were made anew too: they may only be slow. For both
// the agent is asked a little question twice in d. d must be at least 1 s; the default
// is 10 s, less than the 15 s after which Consul gives a silent instance up.
func WatchSilence(d time.Duration) WatchOption { return func(o *watchOptions) { o.silence = d } }

// WatchPace bounds the requests while changes come fast, or while Consul wakes the
// query for nothing: after the second in a row, there is a wait of up to d between
// two queries, with full jitter. A single change is seen at once. d must be positive;
// the default is 1 s, which means about two requests a second at most.
func WatchPace(d time.Duration) WatchOption { return func(o *watchOptions) { o.pace = d } }

// WatchBackoff sets the delays after failed queries. Its zero fields mean 2 s and 5 s:
// all clients lose their queries at one moment when Consul goes, and the first delay is
// the least time over which they come back, be it gone for ever so short.
func WatchBackoff(b sd.Backoff) WatchOption { return func(o *watchOptions) { o.backoff = b } }

// newWatchOptions panics with what only a programmer can get wrong, and returns as
// an error what may come from a configuration.
func newWatchOptions(m *misuse, opts []WatchOption) (watchOptions, error) {
	o := watchOptions{wait: time.Minute, pace: time.Second, silence: 10 * time.Second}
	apply(m, &o, opts)
	m.add(o.wait < time.Second || o.wait > 10*time.Minute, "WatchWait must be from 1s to 10m, not %v", o.wait)
	m.add(o.silence < time.Second, "WatchSilence must be at least 1s, not %v", o.silence)
	m.add(o.pace <= 0, "WatchPace must be positive, not %v", o.pace)
	m.add(o.backoff.Base < 0 || o.backoff.Cap < 0, "WatchBackoff must not be negative, not %+v", o.backoff)
	if o.backoff.Base == 0 {
		o.backoff.Base = 2 * time.Second
	}
	if o.backoff.Cap == 0 {
		o.backoff.Cap = 5 * time.Second
	}
	var faults []error
	for _, tag := range o.tags {
		if tag == "" {
			faults = append(faults, errors.New("consul: a tag is empty"))
		}
	}
	if !printable(o.datacenter) {
		faults = append(faults, fmt.Errorf("consul: datacenter %q is not UTF-8 without space and control characters", o.datacenter))
	}
	return o, errors.Join(faults...)
}
