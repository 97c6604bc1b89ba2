package testserver

import (
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// reservePort returns "127.0.0.1:port" with a port that is free over TCP and UDP,
// and keeps it from others, also while the server that it is for is down. A socket
// that is bound and does not listen does this: a server that asks for the port gets
// it if both allow the reuse of addresses. A client is refused, as if there were no
// socket. The ports are below those that the system gives to connections, for it
// knows ways to give one of its own to two.
func reservePort() (addr string, release func(), err error) {
	for try := 0; ; try++ {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return "", nil, err
		}
		release := func() { syscall.Close(fd) }
		addr, err := bind(fd)
		if err == nil {
			err = freeOverUDP(addr)
		}
		if err == nil {
			return addr, release, nil
		}
		release()
		if try == 200 {
			return "", nil, err
		}
	}
}

func bind(fd int) (addr string, err error) {
	const first, ephemeral = 1 << 14, 1 << 15 // by default the system's begin there
	port := first + rand.IntN(ephemeral-first)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	// Not before, or the same port could be reserved twice.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}
