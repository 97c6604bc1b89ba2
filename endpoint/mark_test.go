package endpoint_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

func TestMarks(t *testing.T) {
	yes := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, RetryAfter: time.Second}
	no := &endpoint.Error{Code: endpoint.Unavailable}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"plain", errors.New("boom"), false},
		{"context", context.Canceled, false},
		{"Unavailable proves nothing", no, false},
		{"marked", yes, true},
		{"the outer one decides: no", &endpoint.Error{Err: yes}, false},
		{"the outer one decides: yes", &endpoint.Error{Local: true, NotProcessed: true, Err: no}, true},
		{"all of several", errors.Join(yes, yes), true},
		{"one of several not", errors.Join(yes, no), false},
		{"one of several plain", errors.Join(yes, errors.New("boom")), false},
		{"deep in several", errors.Join(yes, errors.Join(yes, wrapped{no})), false},
		{"none of several", list{}, false},
		{"several nils", list{nil, nil}, false},
		{"As method: yes", declined{yes}, true},
		{"As method: no", declined{no}, false},
	} {
		for how, wrap := range wrappers {
			err := tt.err
			if err != nil {
				err = wrap(err)
			}
			if got := endpoint.IsNotProcessed(err); got != tt.want {
				t.Errorf("%s, %s: IsNotProcessed is %v", tt.name, how, got)
			}
			if got := endpoint.IsLocal(err); got != tt.want {
				t.Errorf("%s, %s: IsLocal is %v", tt.name, how, got)
			}
		}
	}
}

func TestMarksAreNotConfused(t *testing.T) {
	remote := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	local := &endpoint.Error{Code: endpoint.Unavailable, Local: true}
	if !endpoint.IsNotProcessed(remote) || endpoint.IsLocal(remote) {
		t.Error("a refusal by a server is taken for one by this process")
	}
	if endpoint.IsNotProcessed(local) || !endpoint.IsLocal(local) {
		t.Error("Local alone is taken for NotProcessed")
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want time.Duration
	}{
		{"nil", nil, 0},
		{"plain", errors.New("boom"), 0},
		{"set", &endpoint.Error{RetryAfter: 3 * time.Second}, 3 * time.Second},
		{"negative", &endpoint.Error{RetryAfter: -time.Second}, 0},
		{"the outer one decides", &endpoint.Error{Err: &endpoint.Error{RetryAfter: time.Second}}, 0},
		{"beside a plain one", errors.Join(errors.New("boom"), &endpoint.Error{RetryAfter: time.Second}), time.Second},
		{"As method", declined{&endpoint.Error{RetryAfter: time.Minute}}, time.Minute},
	} {
		for how, wrap := range wrappers {
			err := tt.err
			if err != nil {
				err = wrap(err)
			}
			if got := endpoint.RetryAfter(err); got != tt.want {
				t.Errorf("%s, %s: got %v, want %v", tt.name, how, got, tt.want)
			}
		}
	}
}
