//go:build !linux

package testserver

import "net"

// reservePort returns "127.0.0.1:port" with a port that was free over TCP and UDP
// just now. It cannot keep it so.
func reservePort() (addr string, release func(), err error) {
	for try := 0; ; try++ {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", nil, err
		}
		addr := l.Addr().String()
		l.Close()
		if err = freeOverUDP(addr); err == nil {
			return addr, func() {}, nil
		}
		if try == 20 {
			return "", nil, err
		}
	}
}
