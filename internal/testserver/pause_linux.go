package testserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// stopped waits until every thread of a process has stopped: on a busy machine they
// stop one after the other, and one that has not yet may still answer.
func stopped(pid int) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			return err
		}
		running := 0
		for _, path := range threads {
			stat, err := os.ReadFile(path)
			if err == nil && !at(stat, 'T') && !at(stat, 't') {
				running++
			}
		}
		if len(threads) > 0 && running == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d threads have not stopped", running, len(threads))
		}
	}
}

// at reports whether a line of /proc tells of that state, which is the field behind
// the name in parentheses.
func at(stat []byte, state byte) bool {
	i := bytes.LastIndexByte(stat, ')')
	return i >= 0 && i+2 < len(stat) && stat[i+2] == state
}
