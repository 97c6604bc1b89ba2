package consul

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/consul/api"
)

// query asks for the entries of a service again and again, each time for what is
// newer than the answer before: Consul holds the query back until there is any
// ("Blocking Queries" in Consul's documentation of its HTTP API).
type query struct {
	instancer *Instancer
	index     uint64 // of the answer before; 0: none that counts
	stuck     int    // how often in a row an answer was due and did not come
	vain      int    // the same, and none to a query made anew either
	told      uint64 // the index of the set asked for anew, see guard.due; 0: two changes ago
}

// answerTime is what Consul may take to answer, beyond the time for which it may
// hold a query back.
const answerTime = 15 * time.Second

// run returns what the service has now. After an error the next query begins anew.
func (q *query) run(ctx context.Context) ([]*api.ServiceEntry, error) {
	i, o := q.instancer, &q.instancer.options
	options, bound := q.next()
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("no answer within %v", bound))
	defer cancel()
	g := guard{Instancer: i, index: q.index, told: q.told, late: q.late()}
	ctx, stop := g.over(ctx)
	defer stop()
	asked := q.index
	q.index = 0
	entries, meta, err := i.health.ServiceMultipleTags(i.service, o.tags, o.health == passing, options.WithContext(ctx))
	switch {
	case err != nil && ctx.Err() != nil:
		if err = context.Cause(ctx); errors.Is(err, errStuck) {
			q.stuck++
			q.vain++
		}
		return nil, err
	case err != nil:
		return nil, err
	case meta.LastIndex < asked:
		return nil, errBackwards
	case o.stale && !meta.KnownLeader && meta.QueryBackend != api.QueryBackendStreaming:
		return nil, ErrNoLeader // a stream ends without a leader, and does not say
	case len(entries) == 0 && meta.ResultsFilteredByACLs:
		return nil, ErrHidden
	}
	q.vain = 0
	q.index = max(1, meta.LastIndex) // 0 would ask without end
	switch {
	case asked == 0:
		q.told = q.index
	case asked != q.told && asked != q.index:
		q.told = 0 // and it would tell another one now
	}
	if asked > 0 {
		q.stuck = 0
	}
	return entries, nil
}

// again reports that an error of run is nothing to tell, but to ask anew. That a query is
// stuck is worth a word if those that took its place were so too, however long they had.
func (q *query) again(err error) bool {
	return errors.Is(err, errBackwards) || errors.Is(err, errStuck) && q.vain <= patient
}

// patient is how often in a row a query may be stuck before it has all the time that
// there is.
const patient = 2

// late returns by how much an answer may be late. It grows as long as queries seem
// stuck: they may be slow only, and to ask again makes them no faster.
func (q *query) late() time.Duration {
	return q.instancer.options.silence / 4 << min(q.stuck, patient)
}

// next returns the options of the next query, and when to give it up.
func (q *query) next() (api.QueryOptions, time.Duration) {
	o := &q.instancer.options
	options := api.QueryOptions{Datacenter: o.datacenter, Filter: o.filter, AllowStale: o.stale}
	if q.index == 0 {
		// A leader that was just elected may answer before it has caught up, and
		// would say that nobody is there. It does not if consistency is asked for.
		options.RequireConsistent = !o.stale
		return options, answerTime
	}
	options.WaitIndex = q.index
	// One change wakes all clients. Without jitter they would ask together ever after.
	options.WaitTime = o.wait - rand.N(o.wait/8)
	// Consul adds up to a sixteenth.
	return options, o.wait + o.wait/16 + answerTime
}
