package testserver

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// Outside returns what stands in for a test where there is none: in an Example, in
// TestMain, in a program. What would end the test panics; end runs the cleanups.
//
//	t, end := testserver.Outside()
//	defer end()
//	server := testserver.NewEtcd(t)
func Outside() (t testing.TB, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	o := &outside{ctx: ctx}
	return o, sync.OnceFunc(func() {
		cancel()
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, cleanup := range slices.Backward(o.cleanups) {
			cleanup()
		}
	})
}

// outside has the methods that this package and its like call. The others panic:
// nil is embedded because testing.TB has a private method.
type outside struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	cleanups []func()
}

func (*outside) Helper()                           {}
func (*outside) Name() string                      { return "Outside" }
func (*outside) Failed() bool                      { return false }
func (*outside) Log(args ...any)                   { fmt.Fprintln(os.Stderr, args...) }
func (*outside) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (*outside) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (*outside) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (*outside) Skipf(format string, args ...any)  { panic(fmt.Sprintf(format, args...)) }
func (o *outside) Context() context.Context        { return o.ctx }

func (o *outside) Cleanup(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cleanups = append(o.cleanups, f)
}
