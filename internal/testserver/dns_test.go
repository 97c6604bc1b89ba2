package testserver_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

const name = "_http._tcp.web.test."

func TestDNSAnswers(t *testing.T) {
	s := testserver.NewDNS(t)
	s.Set(name, testserver.SRV{Priority: 1, Weight: 2, Port: 3, Target: "a.web.test."})
	_, srv, err := s.Resolver().LookupSRV(t.Context(), "", "", name)
	if err != nil || len(srv) != 1 || *srv[0] != (net.SRV{Target: "a.web.test.", Port: 3, Priority: 1, Weight: 2}) {
		t.Errorf("got %v, %v", srv, err)
	}
	s.Set("A.Web.test", testserver.Addrs("192.0.2.1", "2001:db8::1")...)
	addrs, err := s.Resolver().LookupNetIP(t.Context(), "ip", "a.web.test.")
	if text := fmt.Sprint(addrs); err != nil || text != "[192.0.2.1 2001:db8::1]" {
		t.Errorf("got %v, %v", text, err)
	}
}

func TestDNSTruncatesOverUDP(t *testing.T) {
	s := testserver.NewDNS(t)
	var records []testserver.Record
	for i := range 100 {
		records = append(records, testserver.SRV{Port: uint16(i + 1), Target: "a.web.test."})
	}
	s.Set(name, records...)
	_, srv, err := s.Resolver().LookupSRV(t.Context(), "", "", name)
	if err != nil || len(srv) != 100 || s.Queries("udp") == 0 || s.Queries("tcp") == 0 {
		t.Errorf("%d records, %v, %d questions over UDP, %d over TCP", len(srv), err, s.Queries("udp"), s.Queries("tcp"))
	}
}

func TestDNSMisbehaves(t *testing.T) {
	tests := map[string]struct {
		behaviour         testserver.Behaviour
		notFound, timeout bool
	}{
		"NXDomain": {testserver.NXDomain, true, false},
		"ServFail": {testserver.ServFail, false, false},
		"Refused":  {testserver.Refused, false, false},
		"Silent":   {testserver.Silent, false, true},
		"Garbage":  {testserver.Garbage, false, true},
	}
	for n, tt := range tests {
		t.Run(n, func(t *testing.T) {
			t.Parallel()
			s := testserver.NewDNS(t)
			s.Set(name, testserver.SRV{Port: 1, Target: "a."})
			s.Behave(tt.behaviour)
			patience := 30 * time.Second
			if tt.timeout {
				patience = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, srv, err := s.Resolver().LookupSRV(ctx, "", "", name)
			e, ok := errors.AsType[*net.DNSError](err)
			if !ok || e.IsNotFound != tt.notFound || e.IsTimeout != tt.timeout {
				t.Errorf("got %v, %#v", srv, err)
			}
		})
	}
}

func TestDNSKnowsNamesWithoutData(t *testing.T) {
	s := testserver.NewDNS(t)
	s.Set(name)
	query := question(name, testserver.TypeSRV)
	if reply := s.Reply(query, "udp"); reply[3]&0xf != 0 {
		t.Errorf("code %d for a name without data", reply[3]&0xf)
	}
	s.Remove(name)
	if reply := s.Reply(query, "udp"); reply[3]&0xf != 3 {
		t.Errorf("code %d for an unknown name", reply[3]&0xf)
	}
}

func TestDNSBehavesByType(t *testing.T) {
	s := testserver.NewDNS(t)
	s.Set("a.test", testserver.Addrs("192.0.2.1", "2001:db8::1")...)
	s.Behave(testserver.ServFail, testserver.TypeAAAA)
	if a, err := s.Resolver().LookupNetIP(t.Context(), "ip4", "a.test."); err != nil || len(a) != 1 {
		t.Errorf("A: %v, %v", a, err)
	}
	if a, err := s.Resolver().LookupNetIP(t.Context(), "ip6", "a.test."); err == nil {
		t.Errorf("AAAA: %v", a)
	}
}

// A reply is to its question: same ID, marked as a reply, the question first, and
// over UDP never too long.
func FuzzDNSReply(f *testing.F) {
	f.Add(question(name, testserver.TypeSRV))
	f.Add(question("a.test.", testserver.TypeA))
	f.Add(question("a.test.", testserver.TypeA)[:14])
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	s := testserver.NewDNS(f)
	s.Set("a.test.", slices.Repeat(testserver.Addrs("192.0.2.1"), 100)...)
	f.Fuzz(func(t *testing.T, query []byte) {
		for _, network := range []string{"udp", "tcp"} {
			reply := s.Reply(bytes.Clone(query), network)
			if reply == nil {
				continue
			}
			n := 12
			for query[n] != 0 {
				n += 1 + int(query[n])
			}
			n += 5
			switch {
			case !bytes.Equal(reply[:2], query[:2]), reply[2]&0x80 == 0:
				t.Fatalf("%x does not reply to %x", reply, query)
			case !bytes.Equal(reply[12:n], query[12:n]):
				t.Fatalf("%x has not the question of %x", reply, query)
			case network == "udp" && len(reply) > 512:
				t.Fatalf("%d bytes over UDP", len(reply))
			}
		}
	})
}

func question(name string, typ testserver.Type) []byte {
	q := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range bytes.SplitSeq([]byte(name[:len(name)-1]), []byte(".")) {
		q = append(append(q, byte(len(label))), label...)
	}
	q = binary.BigEndian.AppendUint16(append(q, 0), uint16(typ))
	return append(q, 0, 1)
}
