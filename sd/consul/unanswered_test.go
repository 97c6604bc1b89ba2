package consul_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// TestUnansweredUpdate: what an update has put there without an answer lives on while
// the next one fails.
func TestUnansweredUpdate(t *testing.T) {
	for name, opts := range map[string][]consul.RegisterOption{"heartbeats": nil, "own check": own()} {
		t.Run(name, func(t *testing.T) { kept(t, opts, unanswered) })
	}
}

func unanswered(t *testing.T, a *agent, r *sd.Registration) {
	const ttl = 15 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	update := func(weight int) {
		in := r.Instance()
		in.Weight = weight
		if err := r.Update(ctx, in); err == nil && ctx.Err() == nil {
			t.Errorf("the update to %d returns nil", weight)
		}
	}
	landed := time.Time{}
	a.with(func(a *agent) {
		a.fault = func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/register") {
				return nil, nil
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			var told api.AgentServiceRegistration
			if err := json.Unmarshal(body, &told); err != nil {
				t.Error(err)
			}
			switch told.Weights.Passing {
			case 6: // lost, so that the next one has a name of its own
				go update(7)
			case 7: // taken
				landed, a.service = time.Now(), &told
				a.beats = append(a.beats, landed)
				go update(8)
			default:
				return answer(500, "no")
			}
			a.mu.Unlock()
			time.Sleep(time.Millisecond)
			a.mu.Lock()
			return nil, errDown
		}
	})
	go update(6)
	time.Sleep(4 * time.Minute)
	a.with(func(a *agent) {
		if state := r.State(); landed.IsZero() || a.service.Weights.Passing != 7 || !state.Registered {
			t.Errorf("the agent has the weight %d, and the state is %+v", a.service.Weights.Passing, state)
		}
		if a.service.Checks != nil {
			t.Error("its fuse burns")
		}
		beats := append(a.beats, time.Now())
		for i, beat := range beats[1:] {
			if gap := beat.Sub(beats[i]); a.service.Check.TTL != "" && gap > ttl && !beats[i].Before(landed) {
				t.Errorf("%v without a heartbeat", gap)
			}
		}
		a.fault = nil
	})
	cancel()
	synctest.Wait()
}
