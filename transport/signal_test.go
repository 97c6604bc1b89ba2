//go:build unix

package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/dowelkit/dowel/transport"
)

const childKey = "DOWEL_TEST_SIGNAL_CHILD"

// TestMain turns the test binary into a process that waits for signals.
func TestMain(m *testing.M) {
	if os.Getenv(childKey) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	fmt.Println("started")
	<-ctx.Done()
	fmt.Println("stopping")
	time.Sleep(time.Minute) // a drain that takes long
}

func TestSignalContext(t *testing.T) {
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, second := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(first.String()+" "+second.String(), func(t *testing.T) {
				t.Parallel()
				twoSignals(t, first, second)
			})
		}
	}
}

func twoSignals(t *testing.T, first, second syscall.Signal) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childKey+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// A shell's background job ignores interrupts, and so do its children; but not what
	// their parent catches.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, first, second)
	err = child.Start()
	signal.Stop(caught)
	if err != nil {
		t.Fatal(err)
	}
	says := bufio.NewScanner(out)
	expect := func(want string) {
		t.Helper()
		if !says.Scan() || says.Text() != want {
			t.Errorf("it says %q, not %q", says.Text(), want)
		}
	}
	expect("started")
	_ = child.Process.Signal(first)
	expect("stopping")
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for over := false; !over; {
		_ = child.Process.Signal(second)
		select {
		case <-ended:
			over = true
		case <-time.After(10 * time.Millisecond): // the context ends a moment before the default action is back
		}
	}
	status, _ := child.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != second {
		t.Errorf("the second signal did not end it: %v", child.ProcessState)
	}
}

func TestSignalContextStop(t *testing.T) {
	ctx, stop := transport.SignalContext(t.Context())
	stop()
	if ctx.Err() == nil {
		t.Error("stop does not end the context")
	}
	parent, cancel := context.WithCancel(t.Context())
	ctx, stop = transport.SignalContext(parent)
	defer stop()
	cancel()
	if ctx.Err() == nil {
		t.Error("the end of the parent does not end the context")
	}
}
