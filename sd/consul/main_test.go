package consul_test

import (
	"flag"
	"os"
	"sync"
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
	// All that call beside, and the suite: most of them wait most of the time. With
	// fewer at once the suite would wait for one that waits for its turn.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// others are the tests that run beside the suite. The cases of the suite that count
// goroutines wait until they have ended.
var others sync.WaitGroup

// beside has a test run beside the suite.
func beside(t *testing.T) {
	t.Helper()
	others.Add(1)
	t.Cleanup(others.Done)
	t.Parallel()
}
