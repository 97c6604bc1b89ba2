package testserver_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets four tests run at once: most of them wait for servers.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
