package consul_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// TestFuse: a registration with an own check has a fuse until it is known to stand, and
// not longer, however often that is asked and whatever gets lost.
func TestFuse(t *testing.T) {
	lost := func(path string, n int) func(*agent) {
		return func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if n == 0 || !strings.Contains(r.URL.Path, path) {
					return nil, nil
				}
				n--
				return nil, errDown
			}
		}
	}
	tests := map[string]struct {
		fault         func(*agent)
		registrations int
	}{
		"all is well":                  {func(*agent) {}, 1},
		"the registration is lost":     {lost("/register", 1), 1},
		"the fuse cannot be taken out": {lost("/check/deregister/", 3), 1},
		"the answer to that is lost": {func(a *agent) {
			n := 0
			a.fault = func(r *http.Request) (*http.Response, error) {
				if n > 0 || !strings.Contains(r.URL.Path, "/check/deregister/") {
					return nil, nil
				}
				n++
				a.service.Checks = nil
				return nil, io.EOF
			}
		}, 2},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a agent
				c.fault(&a)
				r, err := registrar(t, &a, own()...).Register(t.Context(), sd.Instance{ID: "a", Addr: "h.example:80"})
				if err != nil {
					t.Fatal(err)
				}
				if len(a.registered) != c.registrations {
					t.Errorf("it registered %d times; want %d", len(a.registered), c.registrations)
				}
				for _, s := range a.registered {
					if fuse := s.Checks; len(fuse) != 1 || fuse[0].TTL != "15s" || fuse[0].Status != api.HealthPassing ||
						fuse[0].DeregisterCriticalServiceAfter != "1m0s" || s.Check.HTTP == "" || s.Check.CheckID != "service:"+s.ID {
						t.Errorf("the agent was told of the check %+v and the fuse %+v", s.Check, fuse)
					}
				}
				in := r.Instance()
				in.Weight = 7
				if err := r.Update(t.Context(), in); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := len(a.registered); n != c.registrations+1 || a.service.Checks != nil {
					t.Errorf("an hour later it registered %d times, and the fuse is %v", n, a.service.Checks)
				}
				if err := r.Deregister(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
