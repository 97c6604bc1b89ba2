package grpckit_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// told is a strategy that keeps what it is told.
type told struct {
	observes bool
	prevs    []lb.Picker
	results  []lb.Result
}

type toldPicker struct{ *told }

type toldObserver struct{ toldPicker }

func (s *told) Picker(_ []*sd.Node, prev lb.Picker) lb.Picker {
	s.prevs = append(s.prevs, prev)
	if s.observes {
		return toldObserver{toldPicker{s}}
	}
	return toldPicker{s}
}

func (toldPicker) Pick(context.Context, time.Duration) int { return 0 }
func (p toldObserver) Observe(_ int, o lb.Outcome)         { p.results = append(p.results, o.Result) }

// A strategy is given the picker that it made itself for the last set, to carry over
// what that knows.
func TestAStrategyGetsItsOwnPickerBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, observes := range []bool{false, true} {
			s := &told{observes: observes}
			r := newRig(t, s, "a")
			r.publish(t, "a", "b")
			synctest.Wait()
			if _, err := r.try(t.Context()); err != nil {
				t.Error(err)
			}
			if len(s.prevs) != 2 || s.prevs[0] != nil {
				t.Fatalf("it was given %v", s.prevs)
			}
			_, plain := s.prevs[1].(toldPicker)
			_, observer := s.prevs[1].(toldObserver)
			if plain == observes || observer != observes {
				t.Errorf("it was given a %T", s.prevs[1])
			}
		}
	})
}

const details = "grpc-status-details-bin"

// detailed returns the trailer of a status with details, as our servers send it.
func detailed(t *testing.T, code codes.Code) metadata.MD {
	st := grpckit.Status(&endpoint.Error{Code: endpoint.Code(code), Message: "a text"}).Proto()
	st.Code = int32(code)
	text, err := proto.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	return metadata.Pairs(details, string(text))
}

// What a strategy learns of a call is what its status says of the instance. One that was
// never sent tells nothing.
func TestWhatAStrategyIsToldOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &told{observes: true}
		r := newRig(t, s, "a")
		s.results = nil
		var want []lb.Result
		for _, tt := range []struct {
			end  balancer.DoneInfo
			want lb.Result
		}{
			{balancer.DoneInfo{}, lb.Refused},
			{balancer.DoneInfo{Err: status.Error(codes.Unavailable, "no stream")}, lb.Refused},
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true}, lb.Served},
			{balancer.DoneInfo{BytesSent: true}, lb.Faulted}, // who serves answers
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Err: io.EOF}, lb.Served},
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: detailed(t, codes.Unavailable)}, lb.Faulted},
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: detailed(t, codes.NotFound)}, lb.Served},
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: detailed(t, codes.OK)}, lb.Served},
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: metadata.Pairs(details, "\xff")}, lb.Served},
			// With more than one grpc-go goes by the code alone.
			{balancer.DoneInfo{BytesSent: true, BytesReceived: true, Trailer: metadata.Join(
				detailed(t, codes.Unavailable), detailed(t, codes.Unavailable))}, lb.Served},
			{balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.NotFound, "no such thing")}, lb.Served},
			{balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.Unavailable, "broken")}, lb.Faulted},
			{balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.ResourceExhausted, "busy")}, lb.Rejected},
			{balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.Canceled, "by the caller")}, lb.Canceled},
			{balancer.DoneInfo{BytesSent: true, Err: errors.New("of no status")}, lb.Faulted},
		} {
			r.tries(t, tt.end)(t.Context())
			want = append(want, tt.want)
		}
		if !slices.Equal(s.results, want) {
			t.Errorf("it was told %v, want %v", s.results, want)
		}
	})
}
