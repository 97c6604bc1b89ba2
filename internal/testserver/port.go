package testserver

import (
	"net"
	"testing"
)

// ports reserves as many ports until the test ends.
func ports(t testing.TB, n int) []string {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		addr, release, err := reservePort()
		if err != nil {
			t.Fatalf("no free port: %v", err)
		}
		t.Cleanup(release)
		addrs[i] = addr
	}
	return addrs
}

func freeOverUDP(addr string) error {
	conn, err := net.ListenPacket("udp4", addr)
	if err == nil {
		conn.Close()
	}
	return err
}
