package testserver

import (
	"encoding/binary"
	"io"
	"net"
)

func (s *DNS) serveUDP() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.udp.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := s.Reply(buf[:n], "udp"); reply != nil {
			_, _ = s.udp.WriteTo(reply, from)
		}
	}
}

func (s *DNS) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			conn.Close()
		} else {
			s.conns[conn] = struct{}{}
			s.wg.Go(func() { s.serveConn(conn) })
		}
		s.mu.Unlock()
	}
}

// serveConn reads messages, each after its length in two bytes.
func (s *DNS) serveConn(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	var length [2]byte
	for {
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := s.Reply(query, "tcp")
		if reply == nil {
			continue
		}
		reply = append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

func (s *DNS) close() {
	s.mu.Lock()
	s.closed = true
	s.udp.Close()
	s.tcp.Close()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
