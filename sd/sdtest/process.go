package sdtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// task is what a process is to register, and where.
type task struct {
	Place    string
	Instance sd.Instance
}

const (
	taskEnv    = "DOWEL_SDTEST_REGISTRANT"
	registered = "registered" // what the process says then
)

// Registrant makes of the process a registrant and nothing else if the suite has
// started it for that: it registers with what connect returns for the Process of a
// [Service], and lives until it is killed. In any other process it does nothing.
// It is called first in the TestMain of a harness whose services have a Process.
func Registrant(connect func(process string) (sd.Registrar, error)) {
	text := os.Getenv(taskEnv)
	if text == "" {
		return
	}
	if err := perform(text, connect); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func perform(text string, connect func(string) (sd.Registrar, error)) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	registrar, err := connect(t.Place)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := registrar.Register(ctx, t.Instance); err != nil {
		return err
	}
	fmt.Println(registered)
	_, err = io.Copy(io.Discard, os.Stdin) // it ends with whoever started it
	return err
}

// start starts a process that registers an instance, and returns once it has. The
// returned function kills it.
func (s *scene) start(in sd.Instance) (kill func()) {
	s.Helper()
	text, err := json.Marshal(task{s.Process, in})
	if err != nil {
		s.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$") // nothing, if TestMain does not call Registrant
	cmd.Env = append(os.Environ(), taskEnv+"="+string(text))
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	_, inErr := cmd.StdinPipe()
	output, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		s.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // that it was killed
	})
	s.Cleanup(kill)
	timer := time.AfterFunc(s.h.Patience, kill)
	line, _ := bufio.NewReader(output).ReadString('\n')
	if !timer.Stop() || strings.TrimSpace(line) != registered {
		kill()
		s.Fatalf("the process says %q and not that it has registered: %s", line, &complaint)
	}
	return kill
}
