package sd

import (
	"context"
	"slices"
	"strings"
	"time"
)

// manager owns the members of an Endpointer: one goroutine decides who joins,
// changes and leaves, and publishes the sets.
type manager[C any] struct {
	e       *Endpointer[C]
	current []*Instance  // the newest set of the registry
	members []*member[C] // parallel to current
	spare   []*member[C] // the members' other buffer, so that an update allocates none
	live    int
	// lingering left while no other member was live: as long as the registry knows
	// instances and none of them has a client yet, these serve.
	lingering []*member[C]
	queue     []*member[C] // to be dialed
	dialing   int
	pending   int  // members whose first dial has not ended
	stale     bool // a node or a client of the published set is not right any more
	renewed   bool // an instance of the published set is
	gather    *time.Timer
	gathering bool // the timer runs
}

// member is an instance of the newest set, and its client once there is one.
type member[C any] struct {
	node   *Node
	client C
	live   bool
	gone   bool
	dialed bool // the first dial has ended
	fails  int
	cancel context.CancelFunc // ends the dial that runs, later the client's context
	retry  *time.Timer
}

// gatherTime is how long a client that was dialed may wait for others.
const gatherTime = time.Millisecond

func (m *manager[C]) run(ctx context.Context) {
	m.gather = resting()
	defer m.gather.Stop()
	for {
		select {
		case <-m.e.wake:
			m.turn(ctx)
		case <-m.gather.C:
			m.gathering = false
			m.settle(false)
		case <-ctx.Done():
			m.close()
			return
		}
	}
}

// turn takes all that has come in and publishes once.
func (m *manager[C]) turn(ctx context.Context) {
	in := m.take()
	for _, d := range in.dialed {
		m.dialed(d)
	}
	for _, member := range in.retries {
		if !member.gone {
			m.queue = append(m.queue, member)
		}
	}
	if in.fresh {
		m.apply(in.found)
	}
	m.dialNext(ctx)
	// A set costs as much as it is long. While more clients are about to come,
	// those that came are worth one if they are many; else they wait a little.
	if few := m.live-m.e.set.Load().Len() <= m.live/8; !in.fresh && few && m.dialing > 0 {
		if !m.gathering {
			m.gather.Reset(gatherTime)
			m.gathering = true
		}
		return
	}
	m.settle(in.fresh)
}

// apply merges a new set into the members. Both are sorted by ID, and an instance
// that did not change kept its pointer, so that most steps compare two words.
func (m *manager[C]) apply(next []*Instance) {
	var leavers []*member[C]
	out := m.spare[:0]
	i := 0
	for _, in := range next {
		for i < len(m.current) && m.current[i] != in && strings.Compare(m.current[i].ID, in.ID) < 0 {
			leavers = append(leavers, m.members[i])
			i++
		}
		switch {
		case i < len(m.current) && m.current[i] == in:
			out = append(out, m.members[i])
			i++
		case i < len(m.current) && m.current[i].ID == in.ID && m.current[i].Addr == in.Addr:
			m.members[i].node.instance.Store(in)
			m.renewed = m.renewed || m.members[i].live
			out = append(out, m.members[i])
			i++
		default:
			if i < len(m.current) && m.current[i].ID == in.ID { // it moved
				leavers = append(leavers, m.members[i])
				i++
			}
			joiner := &member[C]{node: NewNode(in)}
			out = append(out, joiner)
			m.queue = append(m.queue, joiner)
			m.pending++
		}
	}
	leavers = append(leavers, m.members[i:]...)
	for _, l := range leavers {
		l.gone = true
		m.dialedOnce(l)
		if l.live {
			m.live--
			m.stale = true
			m.lingering = append(m.lingering, l)
		} else {
			l.giveUp()
		}
	}
	m.spare, m.members, m.current = m.members, out, next
	clear(m.spare)
}

// dialedOnce notes that nobody need wait for the member's first dial any more.
func (m *manager[C]) dialedOnce(member *member[C]) {
	if !member.dialed {
		member.dialed = true
		m.pending--
	}
}

// settle publishes what has changed and then drops who is not needed any more.
func (m *manager[C]) settle(fresh bool) {
	var leavers []*member[C]
	if len(m.lingering) > 0 && (m.live > 0 || len(m.members) == 0) {
		m.stale = true
		leavers, m.lingering = m.lingering, nil
	}
	m.publish(fresh)
	for _, member := range leavers {
		m.drop(member)
	}
}

// publish makes the live members the set that balancers see.
func (m *manager[C]) publish(fresh bool) {
	if m.stale || m.renewed {
		m.e.set.Store(m.next())
		m.stale, m.renewed = false, false
	}
	e := m.e
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Instances, e.status.Live, e.status.pending = len(m.members), m.e.set.Load().Len(), m.pending
	if fresh {
		e.status.Updated = time.Now()
	}
	if m.live == len(m.members) {
		e.status.DialErr = nil
	}
	e.tell()
}

// next returns the set to publish. If only instances were renewed it shares what
// the published one holds.
func (m *manager[C]) next() *Set[C] {
	if !m.stale {
		set := *m.e.set.Load()
		return &set
	}
	serving, n := m.members, m.live
	if m.live == 0 {
		serving, n = m.lingering, len(m.lingering)
		slices.SortFunc(serving, func(a, b *member[C]) int {
			return strings.Compare(a.node.Instance().ID, b.node.Instance().ID)
		})
	}
	set := &Set[C]{nodes: make([]*Node, 0, n), clients: make([]C, 0, n)}
	for _, member := range serving {
		if member.live {
			set.nodes = append(set.nodes, member.node)
			set.clients = append(set.clients, member.client)
		}
	}
	return set
}

// giveUp ends the dials of a member that never became live.
func (member *member[C]) giveUp() {
	if member.retry != nil {
		member.retry.Stop()
	}
	if member.cancel != nil {
		member.cancel()
	}
}

// drop ends a member that is no longer published, when its calls have ended.
func (m *manager[C]) drop(member *member[C]) {
	e := m.e
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), e.options.drainTimeout)
		defer cancel()
		_ = member.node.Retire(ctx) // what outlasts the drain is cut off
		e.tally.sum([]*Node{member.node})
		member.cancel()
		e.closeClient(member.client)
	})
}

// close drops every member, and waits for the dials that still run.
func (m *manager[C]) close() {
	m.e.mu.Lock()
	m.e.closed = true
	m.e.mu.Unlock()
	m.apply(nil)
	m.settle(false)
	for m.dialing > 0 {
		<-m.e.wake
		for _, d := range m.take().dialed {
			m.dialed(d)
		}
	}
}

func (m *manager[C]) take() inbox[C] {
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	in := m.e.inbox
	m.e.inbox = inbox[C]{}
	return in
}
