package etcd_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// TestJitter: clients that have begun together, or were thrown out together, do not
// go on together.
func TestJitter(t *testing.T) {
	beside(t)
	const n, question = 40, 2 * time.Second
	server := testserver.NewEtcd(t)
	proxy := testserver.NewProxy(t, server.Addr())
	var music score
	client := dial(t, proxy.Addr(), with(grpc.WithChainStreamInterceptor(music.record)))
	instancer, err := etcd.NewInstancer(client, "/s", etcd.WatchSilence(2*question))
	if err != nil {
		t.Fatal(err)
	}
	registrar := newRegistrar(t, client, "/other")
	for i := range n {
		watch(t, instancer)
		register(t, registrar, sd.Instance{ID: fmt.Sprint(i), Addr: "h:1"})
	}
	for what, each := range map[string]time.Duration{questions: question, heartbeats: ttl / 3} {
		eventually(t, func() bool { return len(music.intervals(what)) >= n }, func() string { return "too few " + what })
		// On a busy machine they come later, and never sooner.
		if took := music.intervals(what); took[0] > each*95/100 || took[len(took)-1]-took[0] < each/20 {
			t.Errorf("%s come after %v to %v; want up to a quarter less than %v", what, took[0], took[len(took)-1], each)
		}
	}

	broken := time.Now()
	proxy.Reset()
	for what, most := range map[string]time.Duration{questions: time.Second, heartbeats: ttl / 10} {
		eventually(t, func() bool { return len(music.opened(what, broken)) >= n }, func() string { return "too few streams for " + what })
		// On a busy machine it takes a while until all know of it.
		if took := music.opened(what, broken); took[n-1]-took[0] < most/2 {
			t.Errorf("streams for %s are opened again after %v to %v; want a spread of %v", what, took[0], took[n-1], most)
		}
	}
}

// What is sent over streams.
const questions, heartbeats = "questions", "heartbeats"

// score is when streams were opened, and when something was sent over each.
type score struct {
	mu      sync.Mutex
	streams []*voice
}

type voice struct {
	grpc.ClientStream
	score *score
	what  string
	start time.Time
	sent  []time.Time
}

func (s *score) record(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	v := &voice{score: s, what: questions, start: time.Now()}
	if method == "/etcdserverpb.Lease/LeaseKeepAlive" {
		v.what = heartbeats
	}
	s.mu.Lock()
	s.streams = append(s.streams, v)
	s.mu.Unlock()
	var err error
	v.ClientStream, err = next(ctx, desc, cc, method, opts...)
	return v, err
}

func (v *voice) SendMsg(m any) error {
	if req, ok := m.(*etcdserverpb.WatchRequest); !ok || req.GetCreateRequest() != nil && len(req.GetCreateRequest().RangeEnd) == 0 {
		v.score.mu.Lock()
		v.sent = append(v.sent, time.Now())
		v.score.mu.Unlock()
	}
	return v.ClientStream.SendMsg(m)
}

// intervals returns the times between what was sent over the same stream, sorted. The
// first is sent for another reason.
func (s *score) intervals(what string) (all []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.streams {
		for i := 2; v.what == what && i < len(v.sent); i++ {
			all = append(all, v.sent[i].Sub(v.sent[i-1]))
		}
	}
	slices.Sort(all)
	return all
}

// opened returns how long after a moment each stream was opened, sorted.
func (s *score) opened(what string, after time.Time) (all []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.streams {
		if v.what == what && v.start.After(after) {
			all = append(all, v.start.Sub(after))
		}
	}
	slices.Sort(all)
	return all
}
