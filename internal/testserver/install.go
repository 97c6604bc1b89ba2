package testserver

import (
	"context"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// install returns the path of a server, which it makes first if this machine has
// not got it yet.
func install(t testing.TB, source servers.Source) string {
	t.Helper()
	path, err := source.Get(context.Background(), testLog{t})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// testLog writes to a test's log.
type testLog struct{ t testing.TB }

func (l testLog) Write(text []byte) (int, error) {
	l.t.Logf("%s", text)
	return len(text), nil
}
