//go:build !linux

package testserver

import "syscall"

// withUs can do nothing here: a test binary that is killed leaves its servers.
func withUs() *syscall.SysProcAttr { return nil }
