package zookeeper_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
)

const (
	// recovery is how long after the return of servers all must be as it was.
	recovery = 10 * time.Second
	// election is how long it may take to see a change after a leader was lost. An
	// election takes half a second, or several on a busy machine.
	election = 30 * time.Second
)

// TestEnsemble: the leader of three is killed, paused and left without a quorum.
// Each time all who were there are there in the end, and no set lacked one meanwhile.
func TestEnsemble(t *testing.T) {
	t.Parallel()
	ensemble := testserver.NewZooKeeperEnsemble(t, 3)
	// To learn that its leader is silent takes an ensemble longer than a short session
	// lasts, and a client that meets the silent one then needs what is left.
	const path, members, session = "/services/web", 12, 2 * timeout
	var ids []string
	for i := range members {
		in := at(fmt.Sprintf("i-%02d", i))
		ids = append(ids, in.ID)
		register(t, registrar(t, connectFor(t, session, nil, ensemble.Addrs()...), path), in)
	}
	client := connectFor(t, session, nil, ensemble.Addrs()...)
	changing := register(t, registrar(t, client, path), at("x"))
	ids = append(ids, "x")
	w := watch(t, instancer(t, client, path))
	bare := watch(t, bareInstancer(t, connectFor(t, session, nil, ensemble.Addrs()...), path))
	for _, w := range []*tail{w, bare} {
		w.sees(ids...)
		w.lowest()
	}
	in := at("x")
	// changes waits until a change is seen, and checks that nobody was missed in any
	// set since it was called last.
	changes := func(after string) {
		t.Helper()
		start := time.Now()
		in.Weight++
		update(t, changing, in)
		for _, w := range []*tail{w, bare} {
			w.has("the change", func(got *sd.Instance) bool { return got.ID == "x" && got.Weight == in.Weight })
			w.sees(ids...)
			if low := w.lowest(); low != len(ids) {
				t.Errorf("%s: of %d a set had %d in between", after, len(ids), low)
			}
		}
		took := time.Since(start)
		t.Logf("%s: a change is seen after %v, with %d errors so far", after, took.Round(time.Millisecond), len(w.failures()))
		limit := recovery
		if strings.HasSuffix(after, "killed") || strings.HasSuffix(after, "paused") {
			limit = election
		}
		if took > limit {
			t.Errorf("%s: a change took %v", after, took)
		}
	}
	changes("untroubled")

	leader := ensemble.Leader()
	leader.Kill()
	changes("the leader was killed")
	leader.Start()

	leader = ensemble.Leader()
	pause(t, leader)
	changes("the leader was paused")
	time.Sleep(session + time.Second)
	leader.Resume()
	changes("the leader was resumed")

	leader = ensemble.Leader()
	other := ensemble.Nodes[(slices.Index(ensemble.Nodes, leader)+1)%3]
	before := len(w.failures())
	leader.Kill()
	other.Kill()
	w.until("the loss of the quorum is told", func() bool { return len(w.failures()) > before })
	time.Sleep(session + time.Second)
	other.Start()
	changes("the quorum was lost and came back")
	leader.Start()
	changes("all are back")
}
