package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dowelkit/dowel/examples/internal/output"
	"github.com/dowelkit/dowel/internal/testserver"
)

// asProgram makes the test binary be the program.
const asProgram = "DISCOVERY_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTwoProcessesFindEachOther(t *testing.T) {
	registries := map[string]func(testing.TB) string{
		"consul":    testserver.ConsulAddr,
		"etcd":      testserver.EtcdAddr,
		"zookeeper": testserver.ZooKeeperAddr,
	}
	for registry, addr := range registries {
		t.Run(registry, func(t *testing.T) {
			t.Parallel()
			args := []string{"-registry", registry, "-addr", addr(t), "-every", "50ms"}
			alice := start(t, append(args, "-name", "alice")...)
			bob := start(t, append(args, "-name", "bob")...)
			alice.says(t, `others: bob at 127\.0\.0\.1:\d+`)
			alice.says(t, "greeted by bob")
			bob.says(t, "greeted by alice")

			alice.stop(t)
			bob.says(t, "nobody else is here")
			bob.stop(t)
			if text := bob.String(); strings.Contains(text, "failed") {
				t.Errorf("a greeting failed, although alice left in order:\n%s", text)
			}
		})
	}
}

func TestMemoryIsOneProcess(t *testing.T) {
	p := start(t, "-name", "m", "-every", "10ms")
	p.says(t, "m-a: others: m-b at .*, m-c at ")
	p.says(t, "m-a: greeted by m-b")
	p.says(t, "m-a: greeted by m-c")
	p.stop(t)
}

func TestFlagsAreChecked(t *testing.T) {
	tests := map[string]settings{
		`"nosuch" is none of`: {registry: "nosuch", every: time.Second},
		"must be positive":    {registry: "memory"},
	}
	for want, s := range tests {
		if err := run(t.Context(), s, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// program is one that runs, and what it has written.
type program struct {
	output.Buffer
	cmd   *exec.Cmd
	heard int // up to where says has heard it
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// says waits until the program has said that, after what was heard before.
func (p *program) says(t *testing.T, pattern string) {
	t.Helper()
	said := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if at := said.FindStringIndex(p.String()[p.heard:]); at != nil {
			p.heard += at[1]
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it has not said %q:\n%s", pattern, p.String())
		}
	}
}

// stop ends the program as Control-C does.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, p.String())
	}
}
