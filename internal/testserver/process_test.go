//go:build unix

package testserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

func TestServerLeavesNothingBehind(t *testing.T) {
	var s *testserver.Server
	var pid int
	t.Run("test", func(t *testing.T) {
		s = testserver.NewEtcd(t)
		pid = s.PID()
		s.Pause() // what is paused ends too
	})
	if alive(pid) {
		t.Errorf("process %d outlives its test", pid)
	}
	if _, err := os.Stat(s.Log()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log of a test that passed: %v", err)
	}
}

// A test binary that is killed runs no cleanups.
func TestServerEndsWithAKilledTest(t *testing.T) {
	const variable = "DOWEL_TESTSERVER_VICTIM"
	if os.Getenv(variable) != "" {
		fmt.Println("\nserver", testserver.NewEtcd(t).PID())
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process with the one that started it")
	}
	victim := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithAKilledTest$")
	// It cannot remove its files either.
	victim.Env = append(os.Environ(), variable+"=1", "TMPDIR="+t.TempDir())
	victim.Dir, _ = os.Getwd()
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(output); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "server %d", &pid)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(output)
	_ = victim.Wait()
	if pid == 0 {
		t.Fatalf("no server: %s", rest)
	}
	// The signal comes with the end of the thread, and may take a moment.
	for deadline := time.Now().Add(30 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlives its test", pid)
		}
	}
}

// alive reports whether a process runs. One that has ended and waits for its
// parent does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || !strings.Contains(string(status), "State:\tZ")
}

func TestServerKeepsItsLogIfTheTestFailed(t *testing.T) {
	outside, end := testserver.Outside()
	defer end()
	failing := &failed{TB: outside}
	s := testserver.NewEtcd(failing)
	failing.end()
	defer os.RemoveAll(strings.TrimSuffix(s.Log(), "/log"))
	if _, err := os.Stat(s.Log()); err != nil {
		t.Errorf("the log of a test that failed: %v", err)
	}
	if !strings.Contains(failing.text, s.Log()) {
		t.Errorf("the test's log does not name it: %q", failing.text)
	}
}

// failed is a test that has failed, and that runs its cleanups at once.
type failed struct {
	testing.TB
	cleanups []func()
	text     string
}

func (*failed) Failed() bool { return true }
func (f *failed) Logf(format string, args ...any) {
	f.text += fmt.Sprintf(format, args...)
}
func (f *failed) Cleanup(cleanup func()) { f.cleanups = append(f.cleanups, cleanup) }
func (f *failed) end() {
	for _, cleanup := range f.cleanups {
		cleanup()
	}
}
