package testserver

import (
	"net"
	"testing"
)

// Ports returns as many addresses of loopback at which nobody listens, and keeps them
// from all others until the test ends. Whoever listens there with the reuse of addresses
// allowed, as package net does, gets them.
func Ports(t testing.TB, n int) []string {
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
