//go:build unix

package testserver

import "syscall"

func (p *process) pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return stopped(p.cmd.Process.Pid)
}

func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
