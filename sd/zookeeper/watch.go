package zookeeper

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// maxBackoff lets a watch or a registration be well again soon after its server.
const maxBackoff = 3 * time.Second

// A watch brings its view of the nodes up to date in rounds: one for whatever has
// sprung since the last. So a burst of changes costs a few rounds and not one each.
type watch struct {
	*Instancer
	yield func([]*sd.Instance, error) bool
	leave func() // the pulse
	link  *link
	view  *view
	bell  *bell

	set    []*sd.Instance
	known  bool // a set was yielded
	failed bool // an error was yielded since

	session  int64     // that of the last round with a connection
	failures int       // rounds in a row
	since    time.Time // of the first of them
	told     time.Time // when the last error was yielded
}

func newWatch(i *Instancer, yield func([]*sd.Instance, error) bool) *watch {
	w := &watch{Instancer: i, yield: yield, leave: i.pulse.join(), bell: newBell()}
	w.link = newLink(i.pulse)
	w.view = newView(i, w.bell)
	return w
}

// end leaves the traps that are set to the next watch.
func (w *watch) end() {
	if w.dialer != nil {
		w.dialer.leave(w.path, w.bell)
	}
	w.bell.silence()
	w.view.disarm()
	w.armory.sweep()
	w.leave()
}

func (w *watch) run(ctx context.Context) {
	if w.dialer != nil {
		// It may take a while where the network takes nothing.
		_, _ = do(ctx, func() error { w.dialer.watch(w.path, w.bell); return nil }, func(error) { w.dialer.leave(w.path, w.bell) })
	}
	for ctx.Err() == nil {
		err := w.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if !w.trouble(ctx, err) {
				return
			}
			continue
		}
		w.failures, w.told = 0, time.Time{}
		if !w.publish() {
			return
		}
		w.rest(ctx)
	}
}

// round returns nil once the view is up to date.
func (w *watch) round(ctx context.Context) error {
	session := w.link.session
	interrupted, err := w.link.ready(ctx, w.patience(), len(w.view.nodes))
	if lasts := session == w.link.session && w.dialer != nil && w.dialer.follows(session); interrupted && !lasts {
		// The client sets its watches again, and may yet have missed something:
		// where the connection breaks twice in a row it tells the server to begin
		// after what it never heard of.
		w.view.doubt(session == w.link.session)
	}
	if err != nil {
		return err
	}
	// A connection may have come and gone while ready waited, with a new session.
	session, w.session = w.session, w.link.session
	if session != 0 && session != w.session && !w.tell(fmt.Errorf("zookeeper: %w", zk.ErrSessionExpired)) {
		return errBroken
	}
	return w.view.update(ctx)
}

// patience is how long a round waits for a connection: until the first word about
// it, and then until the next.
func (w *watch) patience() time.Duration {
	if w.told.IsZero() {
		return grace
	}
	return repeat
}

// repeat is how often a watch says that it is still in trouble.
const repeat = 10 * time.Second

// trouble tells of a failed round and waits a while. It returns false if the
// consumer broke off.
func (w *watch) trouble(ctx context.Context, err error) bool {
	if err == errBroken {
		return false
	}
	now := time.Now()
	if w.failures++; w.failures == 1 {
		w.since = now
	}
	loud := !passing(err) || is(err, errAway) || now.Sub(w.since) >= grace
	if loud && now.Sub(w.told) >= repeat {
		w.told = now
		if !w.tell(fmt.Errorf("zookeeper: watch %s: %w", w.path, err)) {
			return false
		}
	}
	if !is(err, errAway) {
		_ = w.backoff.Wait(ctx, w.failures)
	}
	return true
}

func (w *watch) tell(err error) bool {
	w.failed = true
	return w.yield(nil, err)
}

// publish yields the set if there is something new in it.
func (w *watch) publish() bool {
	if w.known && !w.failed && !w.view.changed {
		return true
	}
	found, fault := w.view.found()
	if fault != nil && !w.tell(fmt.Errorf("zookeeper: watch %s: %w", w.path, fault)) {
		return false
	}
	set := sd.NextSet(w.set, found)
	if w.known && !w.failed && slices.Equal(set, w.set) {
		return true
	}
	w.set, w.known, w.failed = set, true, false
	return w.yield(set, nil)
}

// rest waits until there is something to do.
func (w *watch) rest(ctx context.Context) {
	for !w.link.interrupted() && !w.view.due() {
		_, news := w.link.now()
		look := time.NewTimer(w.view.wait())
		select {
		case <-w.bell.rung:
		case <-news:
		case <-look.C:
		case <-ctx.Done():
		}
		look.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}
