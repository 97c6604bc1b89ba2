package consul_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// FuzzRoundTrip: what Register takes a watch gives back, in every field.
func FuzzRoundTrip(f *testing.F) {
	f.Add("", "h.example:80", 0, "", "", "")
	f.Add("a/b:c%2F", "[2001:db8::1]:65535", 65535, "z1", "version", "2")
	f.Add("ü", "192.0.2.1:1", 3, "Zürich", "k-_9", "日本 \"<&>\\")
	f.Add("..", "..:1", 1, "z", "dowel-id", "x")
	f.Fuzz(func(t *testing.T, id, addr string, weight int, zone, key, value string) {
		in := sd.Instance{ID: id, Addr: addr, Weight: weight, Zone: zone}
		if key != "" {
			in.Meta = map[string]string{key: value}
		}
		var told *api.AgentServiceRegistration
		h := raw(func(r *http.Request) (*http.Response, error) {
			switch path := r.URL.Path; {
			case path == "/v1/agent/service/register":
				told = new(api.AgentServiceRegistration)
				body, err := io.ReadAll(r.Body)
				if err := errors.Join(err, json.Unmarshal(body, told)); err != nil {
					t.Error(err)
				}
			case strings.HasPrefix(path, "/v1/agent/service/deregister/"):
				// The path must not be one that an agent would read in another way.
				if path != "/v1/agent/service/deregister/"+told.ID || strings.Contains(told.ID, "/") {
					t.Errorf("the ID is %q, and the path %q", told.ID, path)
				}
			}
			return answer(200, "")
		})
		r, err := registrar(t, h).Register(t.Context(), in)
		if err != nil {
			if told != nil {
				t.Fatalf("Register returns %v and tells the agent", err)
			}
			return
		}
		defer func() { _ = r.Deregister(t.Context()) }()
		found := []*api.ServiceEntry{{Service: &api.AgentService{
			ID: told.ID, Service: told.Name, Address: told.Address, Port: told.Port, Meta: told.Meta, Weights: *told.Weights}}}
		body, _ := json.Marshal(found)
		want := r.Instance()
		want.Weight = max(1, want.Weight)
		for set, err := range instancer(t, handler(newCatalog(string(body)).serve)).Watch(t.Context()) {
			if err != nil || len(set) != 1 || !set[0].Equal(&want) {
				t.Errorf("registered is %+v, and found %+v %v", want, set, err)
			}
			break
		}
	})
}

// FuzzAnswer: a set follows the law of package sd whatever Consul answers, and the
// order of its answer does not matter.
func FuzzAnswer(f *testing.F) {
	a, b := entry("a", "h", "80"), entry("web", "::1", "81")
	for _, body := range []string{"", "null", "{}", "[]", "[null]", `[{"Service":null}]`, list(a), list(a, b), list(b, a, a), list(entry("c", "h", "0"))} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		forth := answered(t, body)
		for i, in := range forth {
			if in.ID == "" && in.Addr == "" || i > 0 && forth[i-1].ID >= in.ID {
				t.Errorf("the set %q is not sorted, without duplicates and without the empty", ids(forth))
			}
			if err := (&sd.Instance{Addr: in.Addr}).Validate(); err != nil {
				t.Error(err)
			}
		}
		var entries []json.RawMessage
		if json.Unmarshal([]byte(body), &entries) != nil || strings.Contains(body, consul.MetaID) {
			return
		}
		for i, j := 0, len(entries)-1; i < j; i, j = i+1, j-1 {
			entries[i], entries[j] = entries[j], entries[i]
		}
		turned, err := json.Marshal(entries)
		if err != nil {
			return
		}
		if back := answered(t, string(turned)); ids(back) != ids(forth) {
			t.Errorf("the set is %q, and of the answer in another order %q", ids(forth), ids(back))
		}
	})
}

func answered(t *testing.T, body string) []*sd.Instance {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := false
	h := handler(func(*http.Request) (*http.Response, error) {
		if done {
			cancel()
		}
		done = true
		return answer(200, body, index(7), hasLeader)
	})
	for set, err := range instancer(t, h).Watch(ctx) {
		if err == nil {
			return set
		}
		if !done || !strings.Contains(err.Error(), "malformed") {
			break
		}
	}
	return nil
}
