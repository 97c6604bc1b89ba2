package sd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// ErrDeregistered is returned by Update of a registration that has ended.
var ErrDeregistered = errors.New("sd: the instance is deregistered")

// Registration is an instance's presence in a registry, supervised by [Keep]. It
// is safe for concurrent use. It lives until Deregister; a process that ends
// without it leaves the instance there until the registry notices.
type Registration struct {
	id      string
	entry   Entry
	backoff Backoff
	timeout time.Duration
	notify  func(RegistrationState)
	end     context.CancelFunc
	done    chan struct{} // closed when supervision has ended

	removing chan struct{} // a semaphore: one Remove at a time
	removed  bool          // guarded by removing

	notifying sync.Mutex // taken before mu

	mu        sync.Mutex
	ended     bool // by Deregister
	wanted    Instance
	version   int      // of wanted
	standing  int      // the version that was put last
	last      Instance // as it was put last; the supervision's own
	state     RegistrationState
	interrupt context.CancelFunc // ends the Hold that runs
	news      chan struct{}      // closed and replaced when state or standing changes
}

// RegistrationState is what is known of a registration at one moment.
type RegistrationState struct {
	// Registered is whether the instance is in the registry, as far as we know.
	Registered bool
	// Since is when Registered became what it is.
	Since time.Time
	// Err is the last error while the instance is being put back, changed or taken out,
	// nil while all is well.
	Err error
}

func newRegistration(in Instance, entry Entry) *Registration {
	if in.ID == "" {
		in.ID = in.Addr
	}
	in.Meta = maps.Clone(in.Meta)
	return &Registration{
		id: in.ID, entry: entry, wanted: in, version: 1,
		done: make(chan struct{}), removing: make(chan struct{}, 1), news: make(chan struct{}),
		state: RegistrationState{Since: time.Now()},
	}
}

// Instance returns the instance as it is wanted in the registry. Its Meta must
// not be written to.
func (r *Registration) Instance() Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wanted
}

// State returns what is known now, for health checks and metrics.
func (r *Registration) State() RegistrationState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Update changes what the registry says of the instance: address, weight, zone or
// meta; the ID must stay. It returns nil once the registry has it. If ctx ends
// before, it returns the context's error, joined with the registry's if there is one,
// and the change is still made as soon as the registry takes it; until then
// what the registry had before stands. After Deregister it returns [ErrDeregistered].
func (r *Registration) Update(ctx context.Context, in Instance) error {
	if err := in.Validate(); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = in.Addr
	}
	if in.ID != r.id {
		return fmt.Errorf("sd: update of %s: the ID cannot change to %s", r.id, in.ID)
	}
	in.Meta = maps.Clone(in.Meta)
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return ErrDeregistered
	}
	r.wanted = in
	r.version++
	version := r.version
	if r.interrupt != nil {
		r.interrupt()
	}
	for r.standing < version {
		news := r.news
		r.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("sd: update %s: %w", r.id, errors.Join(ctx.Err(), r.State().Err))
		case <-r.done:
			return ErrDeregistered
		}
		r.mu.Lock()
	}
	r.mu.Unlock()
	return nil
}

// Deregister ends the supervision and removes from the registry only what this
// registration itself put there, never a successor's entry. It returns nil once the
// entry is gone; after an error it may be called again. ctx bounds it, and so does
// [KeepTimeout]: whatever its ctx, it does not hold a process up that shuts down
// while the registry is away. The entry then goes as that of a process that died.
func (r *Registration) Deregister(ctx context.Context) error {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.end()
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	failed := func(err error) error {
		return fmt.Errorf("sd: deregister %s: %w", r.id, late(ctx, err))
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return failed(ctx.Err())
	}
	select {
	case r.removing <- struct{}{}:
		defer func() { <-r.removing }()
	case <-ctx.Done():
		return failed(ctx.Err())
	}
	if r.removed {
		return nil
	}
	if err := r.remove(ctx); err != nil {
		err = failed(err)
		r.note(r.State().Registered, err) // it most likely stands as it did
		return err
	}
	r.removed = true
	r.note(false, nil)
	return nil
}

// want returns the wanted instance, whose Meta is not written to, and its version.
func (r *Registration) want() (Instance, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wanted, r.version
}

// interruptible lets Update end a Hold by stop. It returns false if something newer
// than that version is wanted, which is to be put before holding.
func (r *Registration) interruptible(stop context.CancelFunc, version int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt = stop
	return r.version == version
}

func (r *Registration) applied(in Instance, version int) {
	r.last = in
	r.mu.Lock()
	r.standing = version
	r.mu.Unlock()
	r.note(true, nil)
}

// note tells whoever wants to know, in the order in which it is called.
func (r *Registration) note(registered bool, err error) {
	r.notifying.Lock()
	defer r.notifying.Unlock()
	if state := r.change(registered, err); r.notify != nil {
		r.notify(state)
	}
}

func (r *Registration) change(registered bool, err error) RegistrationState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Registered != registered {
		r.state.Since = time.Now()
	}
	r.state.Registered, r.state.Err = registered, err
	close(r.news)
	r.news = make(chan struct{})
	return r.state
}
