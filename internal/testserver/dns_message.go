package testserver

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Type is the type of a DNS record, as on the wire.
type Type uint16

// The types that the server knows.
const (
	TypeA    Type = 1
	TypeAAAA Type = 28
	TypeSRV  Type = 33
)

// A Record is an SRV or an Addr.
type Record interface {
	kind() Type
	data() []byte
}

// SRV says where a service is: RFC 2782. Target need not be a valid name.
type SRV struct {
	Priority, Weight, Port uint16
	Target                 string
}

func (SRV) kind() Type { return TypeSRV }

func (r SRV) data() []byte {
	b := binary.BigEndian.AppendUint16(nil, r.Priority)
	b = binary.BigEndian.AppendUint16(b, r.Weight)
	b = binary.BigEndian.AppendUint16(b, r.Port)
	return appendName(b, r.Target)
}

// Addr is an A or AAAA record.
type Addr netip.Addr

// Addrs returns the records of addresses. It panics if one is malformed.
func Addrs(texts ...string) []Record {
	var records []Record
	for _, text := range texts {
		records = append(records, Addr(netip.MustParseAddr(text)))
	}
	return records
}

func (r Addr) kind() Type {
	if netip.Addr(r).Is4() {
		return TypeA
	}
	return TypeAAAA
}

func (r Addr) data() []byte { return netip.Addr(r).AsSlice() }

// The layout and the flags of a header: RFC 1035, section 4.1.1.
const (
	headerLen     = 12
	maxUDP        = 512
	flagReply     = 1 << 15
	flagAuthority = 1 << 10
	flagTruncated = 1 << 9
	flagRecurse   = 1 << 8
)

var rcodes = map[Behaviour]uint16{NXDomain: 3, ServFail: 2, Refused: 5}

// Reply returns the answer to a query over "udp" or "tcp", or nil if there is
// none, be it that the server is silent or that the query is malformed.
func (s *DNS) Reply(query []byte, network string) []byte {
	name, typ, end, ok := parseQuery(query)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries[network]++
	behaviour, special := s.behaviour[typ]
	if !special {
		behaviour = s.all
	}
	switch behaviour {
	case Silent:
		return nil
	case Garbage:
		return append(query[:2:2], "this is no answer"...)
	}
	records, exists := s.zone[canonical(name)]
	if behaviour == Normal && !exists {
		behaviour = NXDomain
	}
	flags := flagReply | flagAuthority | binary.BigEndian.Uint16(query[2:])&flagRecurse | rcodes[behaviour]
	if behaviour != Normal {
		records = nil
	}
	reply := answer(query, end, flags, typ, records)
	if network == "udp" && len(reply) > maxUDP {
		reply = answer(query, end, flags|flagTruncated, typ, nil)
	}
	return reply
}

// answer writes a message with the question of query, which ends at end.
func answer(query []byte, end int, flags uint16, typ Type, records []Record) []byte {
	b := append([]byte(nil), query[:2]...)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0) // one question; answers are counted below
	b = append(b, query[headerLen:end]...)
	count := uint16(0)
	for _, r := range records {
		if r.kind() != typ {
			continue
		}
		count++
		data := r.data()
		b = append(b, 0xc0, headerLen) // the name of the question
		b = binary.BigEndian.AppendUint16(b, uint16(typ))
		b = append(b, 0, 1, 0, 0, 0, 1) // class IN, one second to live
		b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
		b = append(b, data...)
	}
	binary.BigEndian.PutUint16(b[6:], count)
	return b
}

// parseQuery returns name and type of the one question, and where it ends.
func parseQuery(query []byte) (name string, typ Type, end int, ok bool) {
	if len(query) < headerLen || query[2]&0x80 != 0 || binary.BigEndian.Uint16(query[4:]) != 1 {
		return "", 0, 0, false
	}
	var labels strings.Builder
	at := headerLen
	for at < len(query) && query[at] != 0 {
		next := at + 1 + int(query[at])
		if query[at] > 63 || next >= len(query) || next-headerLen > 254 {
			return "", 0, 0, false
		}
		labels.Write(query[at+1 : next])
		labels.WriteByte('.')
		at = next
	}
	end = at + 5
	if end > len(query) {
		return "", 0, 0, false
	}
	return labels.String(), Type(binary.BigEndian.Uint16(query[at+1:])), end, true
}

// appendName writes a name in labels. An empty name, and ".", is the root.
func appendName(b []byte, name string) []byte {
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label != "" {
			b = append(b, byte(len(label)))
			b = append(b, label...)
		}
	}
	return append(b, 0)
}
