package consul_test

import (
	"flag"
	"os"
	"testing"

	"github.com/dowelkit/dowel/sd/sdtest"
)

// TestMain has Consul keep its files in memory where the system offers that: an agent
// waits for the disk at each registration, and thousands are made here.
func TestMain(m *testing.M) {
	sdtest.Registrant(registrant)
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", memory)
	}
	// The parallel tests, and the suite: most of them wait most of the time. With
	// fewer at once the suite would wait for one that waits for its turn.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
