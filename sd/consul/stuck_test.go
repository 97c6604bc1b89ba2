package consul_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd/consul"
)

// wire is the network between one watch and an agent.
type wire struct {
	agent              *catalog
	queries, questions atomic.Int64
	// meets is called before the nth of them, counted from 1, reaches the agent.
	meets func(r *http.Request, question bool, n int64)
	// after is called before an answer to a query comes back.
	after func(r *http.Request)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	n, question := w.queries.Add(1), false
	if little(r) {
		w.queries.Add(-1)
		n, question = w.questions.Add(1), true
	}
	if w.meets != nil {
		w.meets(r, question, n)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if question {
		return w.agent.question()
	}
	response, err := w.agent.serve(r)
	if w.after != nil {
		w.after(r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return response, err
}

// TestDeadConnections: of a change that comes while connections of a client are dead,
// and new ones work, the watch hears within the silence.
func TestDeadConnections(t *testing.T) {
	tests := map[string]struct{ query, questions int64 }{
		"the query's":                             {2, 0},
		"the query's, and two of questions":       {2, 2},
		"the first query's":                       {1, 0},
		"the first query's, and two of questions": {1, 2},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			for range 50 { // there is jitter
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					agent := newCatalog(list(entry("a", "h", "80")))
					events := watch(ctx, instancer(t, &wire{agent: agent, meets: func(r *http.Request, question bool, n int64) {
						if question && n <= c.questions || !question && n == c.query {
							<-r.Context().Done()
						}
					}}))
					if c.query > 1 {
						<-events
						synctest.Wait()
					}
					start := time.Now()
					agent.set(11, list(entry("b", "h", "81")), nil)
					e := <-events
					if d := time.Since(start); show(e) != "{b}" || d > 10*time.Second {
						t.Errorf("after %v it yields %s; want {b} within 10s", d, show(e))
					}
				})
			}
		})
	}
}

// TestSlowAnswers: an answer that has begun is waited for, and one that has not is not
// asked for again and again.
func TestSlowAnswers(t *testing.T) {
	const slow = 12 * time.Second
	for name, c := range map[string]struct {
		begins  bool
		within  time.Duration
		queries int64
	}{
		"begun":     {true, slow + time.Second, 3},
		"not begun": {false, 45 * time.Second, 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				agent := newCatalog(list(entry("a", "h", "80")))
				w := &wire{agent: agent}
				events := watch(ctx, instancer(t, w))
				<-events
				synctest.Wait()
				w.after = func(r *http.Request) {
					if c.begins {
						httptrace.ContextClientTrace(r.Context()).GotFirstResponseByte()
					}
					select {
					case <-time.After(slow):
					case <-r.Context().Done():
					}
				}
				start := time.Now()
				agent.set(11, list(entry("b", "h", "81")), nil)
				e := <-events
				d, n := time.Since(start), w.queries.Load()
				t.Logf("the set came after %v and %d queries", d, n)
				if show(e) != "{b}" || d > c.within || n > c.queries {
					t.Errorf("after %v and %d queries it yields %s; want {b} within %v and %d", d, n, show(e), c.within, c.queries)
				}
			})
		})
	}
}

// TestNeverAnswered: an agent that answers questions, and no query however often it is
// made anew, is an error.
func TestNeverAnswered(t *testing.T) {
	for name, first := range map[string]int64{"from the start": 1, "any more": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				agent := newCatalog(list(entry("a", "h", "80")))
				w := &wire{agent: agent, meets: func(r *http.Request, question bool, n int64) {
					if !question && n >= first {
						<-r.Context().Done()
					}
				}}
				events := watch(ctx, instancer(t, w))
				if first > 1 {
					<-events
					synctest.Wait()
					agent.set(11, list(entry("b", "h", "81")), nil)
					<-events
				}
				start := time.Now()
				agent.set(12, list(entry("c", "h", "82")), nil)
				e := <-events
				if d := time.Since(start); !errors.Is(e.err, consul.ErrSilent) || d > 40*time.Second {
					t.Errorf("after %v it yields %s; want ErrSilent within 40s", d, show(e))
				}
				told := 0
				for range events {
					told++
				}
				if told < 10 || told > 25 {
					t.Errorf("it yields %d errors more in five minutes; want one for each attempt", told)
				}
			})
		})
	}
}

// TestPatienceEnds: what was slow once is not taken for slow for ever.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		agent := newCatalog(list(entry("a", "h", "80")))
		w := &wire{agent: agent}
		events := watch(ctx, instancer(t, w))
		<-events
		for n := range uint64(10) {
			synctest.Wait()
			dead := w.queries.Load() // the one that waits
			var passed atomic.Bool
			w.after = func(r *http.Request) {
				if w.queries.Load() == dead && !passed.Swap(true) {
					<-r.Context().Done()
				}
			}
			start := time.Now()
			agent.set(11+2*n, list(entry("b", "h", fmt.Sprint(81+n))), nil)
			<-events
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("the %dth time it takes %v to find out that a connection is dead", n+1, d)
			}
			// The next one works.
			synctest.Wait()
			agent.set(12+2*n, list(entry("a", "h", "80")), nil)
			<-events
		}
	})
}

// TestAnswerThatDoesNotEnd: one that begins and breaks off is not waited for for long.
func TestAnswerThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		agent := newCatalog(list(entry("a", "h", "80")))
		var once atomic.Bool
		w := &wire{agent: agent}
		events := watch(ctx, instancer(t, w))
		<-events
		synctest.Wait()
		w.after = func(r *http.Request) {
			if !once.Swap(true) {
				httptrace.ContextClientTrace(r.Context()).GotFirstResponseByte()
				<-r.Context().Done()
			}
		}
		start := time.Now()
		agent.set(11, list(entry("b", "h", "81")), nil)
		e := <-events
		if d := time.Since(start); show(e) != "{b}" || d > 25*time.Second {
			t.Errorf("after %v it yields %s; want {b} within 25s", d, show(e))
		}
	})
}
