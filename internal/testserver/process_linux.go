package testserver

import "syscall"

// withUs makes a process end with the thread that started it.
func withUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
