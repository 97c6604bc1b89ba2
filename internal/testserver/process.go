package testserver

import (
	"os"
	"os/exec"
	"runtime"
)

// process is a running program. It does not outlive this one: see withUs.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{}
	err  error // how it ended; set before gone is closed
}

// startProcess starts a command whose output is added to the log.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	// A file, and no pipe that a goroutine would have to empty.
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = output, output, withUs()

	p := &process{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// withUs ends the process with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.gone)
		}
	}()
	return p, <-started
}

// kill ends the process, be it paused or not, and waits until it has gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.gone
}
