package consul_test

import (
	"os"
	"testing"
)

// TestMain has Consul keep its files in memory where the system offers that: an agent
// waits for the disk at each registration, and thousands are made here.
func TestMain(m *testing.M) {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", memory)
	}
	os.Exit(m.Run())
}
