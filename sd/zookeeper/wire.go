package zookeeper

import "encoding/binary"

// What we need of ZooKeeper's protocol: a frame is its length and what follows. That
// begins with the number of the request, and its operation or, in a reply, the last
// transaction that the server has seen and the code of an error.
const (
	frameHead   = 4 // the length
	requestHead = frameHead + 4 + 4
	replyHead   = frameHead + 4 + 8 + 4

	ofEvent = -1 // instead of the number of a request

	opExists     = 3
	opGetData    = 4
	opChildren   = 12
	opSetWatches = 101
	opAddWatch   = 106

	recursive = 1 // the mode of a watch

	codeOK            = 0
	codeUnimplemented = -6

	created, deleted, dataChanged = 1, 2, 3 // types of events

	// statChildren is where in what the server says of a node is the transaction
	// that changed its children last.
	statChildren = 8 + 8 + 8 + 8 + 4 + 4 + 4 + 8 + 4 + 4
)

// request returns the frame of one that is about a path. What comes before it and
// after it depends on the operation.
func request(number, op int32, before []byte, path string, after ...byte) []byte {
	b := make([]byte, frameHead, requestHead+len(before)+4+len(path)+len(after))
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	b = binary.BigEndian.AppendUint32(b, uint32(op))
	b = append(b, before...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(path)))
	b = append(append(b, path...), after...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-frameHead))
	return b
}

// childrenAfter begins a request to set watches again, after a transaction: none on
// data of what is there or is not, and one on children.
func childrenAfter(seen int64) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(seen))
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
}

// operation returns what the frame of a request asks for.
func operation(b []byte) int32 {
	if len(b) < requestHead {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b[frameHead+4:]))
}

// text reads a string and returns what follows it.
func text(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int32(binary.BigEndian.Uint32(b))
	if b = b[4:]; n < 0 || int(n) > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// watches reports whether a request sets a watch.
func watches(b []byte) bool {
	switch operation(b) {
	case opExists, opGetData, opChildren:
		_, rest, ok := text(b[requestHead:])
		return ok && len(rest) == 1 && rest[0] != 0
	}
	return false
}

// watched returns the path on whose data a request that sets a watch does.
func watched(b []byte) (paths [][]byte) {
	path, _, ok := text(b[requestHead:])
	if !ok || operation(b) == opChildren {
		return nil
	}
	return [][]byte{path}
}

// watchedAgain returns the paths on whose data a request sets watches again: after a
// transaction, lists of those that are there and of those that are not.
func watchedAgain(b []byte) (paths [][]byte) {
	if len(b) < requestHead+8 {
		return nil
	}
	b = b[requestHead+8:]
	for range 2 {
		if len(b) < 4 {
			return paths
		}
		n := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		for range n {
			path, rest, ok := text(b)
			if !ok {
				return paths
			}
			paths, b = append(paths, path), rest
		}
	}
	return paths
}

// head is how a reply begins, and an event.
type head struct {
	number int32
	seen   int64
	code   int32
}

func headOf(b []byte) head {
	return head{
		number: int32(binary.BigEndian.Uint32(b[frameHead:])),
		seen:   int64(binary.BigEndian.Uint64(b[frameHead+4:])),
		code:   int32(binary.BigEndian.Uint32(b[frameHead+4+8:])),
	}
}

// event reads the body of one.
func event(b []byte) (kind int32, path string, ok bool) {
	if len(b) < 4+4 {
		return 0, "", false
	}
	name, _, ok := text(b[4+4:])
	return int32(binary.BigEndian.Uint32(b)), string(name), ok
}
