package testserver

import (
	"net"
	"strconv"
	"syscall"
)

// reservePort returns "127.0.0.1:port" with a port that is free over TCP and UDP,
// and keeps it from others, also while the server that it is for is down. A socket
// that is bound and does not listen does this: the system gives its port to nobody
// who asks for any, and to a server that asks for this one if both allow the reuse
// of addresses. A client is refused, as if there were no socket.
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
		if try == 20 {
			return "", nil, err
		}
	}
}

func bind(fd int) (addr string, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port)), nil
}
