package testserver

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
)

// Behaviour is what a DNS server does with a question.
type Behaviour int

// The behaviours.
const (
	Normal   Behaviour = iota // answer what was set; NXDOMAIN for unknown names
	NXDomain                  // there is no such name
	ServFail                  // the server's own upstream fails
	Refused                   // the server does not serve us
	Silent                    // no answer at all
	Garbage                   // bytes that are no answer
)

// A DNS is a name server over UDP and TCP. An answer too long for 512 bytes is
// truncated over UDP, so that the client must come again over TCP. It is safe for
// concurrent use.
type DNS struct {
	udp net.PacketConn
	tcp net.Listener
	wg  sync.WaitGroup

	mu        sync.Mutex
	zone      map[string][]Record // by lower-case name with a final dot
	behaviour map[Type]Behaviour
	all       Behaviour
	queries   map[string]int // by network
	conns     map[net.Conn]struct{}
	closed    bool
}

// NewDNS starts a server that ends with the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	s := &DNS{
		zone: make(map[string][]Record), behaviour: make(map[Type]Behaviour),
		queries: make(map[string]int), conns: make(map[net.Conn]struct{}),
	}
	// The port must be free for both; now and then it is not.
	for try := 0; s.tcp == nil; try++ {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			s.udp, s.tcp = udp, tcp
			break
		}
		udp.Close()
		if try == 20 {
			t.Fatal(err)
		}
	}
	s.wg.Go(s.serveUDP)
	s.wg.Go(s.serveTCP)
	t.Cleanup(s.close)
	return s
}

// Addr returns "127.0.0.1:port".
func (s *DNS) Addr() string { return s.udp.LocalAddr().String() }

// Resolver returns a resolver that asks this server and no other, and gives up on
// partial answers.
func (s *DNS) Resolver() *net.Resolver {
	return &net.Resolver{
		PreferGo:     true,
		StrictErrors: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, s.Addr())
		},
	}
}

// Set makes the records of a name what they are now. A name without records
// exists and has no data; see Remove.
func (s *DNS) Set(name string, records ...Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone[canonical(name)] = append([]Record{}, records...)
}

// Remove makes a name unknown.
func (s *DNS) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.zone, canonical(name))
}

// Behave sets what is done with questions of the given types, or of every type.
func (s *DNS) Behave(b Behaviour, types ...Type) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(types) == 0 {
		s.all = b
		clear(s.behaviour)
	}
	for _, typ := range types {
		s.behaviour[typ] = b
	}
}

// Queries returns how many questions came over "udp" or "tcp".
func (s *DNS) Queries(network string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queries[network]
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }
