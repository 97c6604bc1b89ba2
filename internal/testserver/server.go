package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to serve, on a machine that is busy.
const patience = time.Minute

// A Server is a real server: a process of its own, which listens on loopback, has
// its data in a directory of its own and ends with the test. A method that fails
// ends the test, so that only the test's goroutine may call it; Addr, Log and PID
// are safe for concurrent use.
type Server struct {
	t       testing.TB
	program program
	dir     string

	mu      sync.Mutex
	process *process // nil if it is down
	logged  int64    // the length of the log when the process began
}

// program says how to run a server.
type program struct {
	name string
	addr string
	path string
	args []string
	// prepare fills an empty data directory.
	prepare func(data string) error
	// ready returns nil once the server truly serves.
	ready func(context.Context) error
}

// newServer makes a server that is down. Its directory holds "data" and "log".
func newServer(t testing.TB, name string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "dowel-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir}
	t.Cleanup(s.end)
	return s
}

// run starts the program with an empty data directory.
func (s *Server) run(p program) {
	s.t.Helper()
	s.launch(p)
	s.await()
}

// launch is run without the wait: the nodes of an ensemble serve once they are more.
func (s *Server) launch(p program) {
	s.t.Helper()
	s.program = p
	s.Wipe()
	s.Spawn()
}

// Addr returns "127.0.0.1:port", for clients. It stays the same.
func (s *Server) Addr() string { return s.program.addr }

// Log returns the path of the server's log. It is removed with the server unless
// the test failed; then the test's log names it.
func (s *Server) Log() string { return filepath.Join(s.dir, "log") }

// PID returns the ID of the process, and 0 while the server is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// Start starts a server that was killed, with the data that it had. It returns
// once the server serves.
func (s *Server) Start() {
	s.t.Helper()
	s.Spawn()
	s.await()
}

// Spawn is Start without the wait, for a node of an ensemble that does not serve as
// long as it is alone.
func (s *Server) Spawn() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.t.Fatalf("%s: started while it runs", s.program.name)
	}
	s.logged = 0
	if info, err := os.Stat(s.Log()); err == nil {
		s.logged = info.Size()
	}
	cmd := exec.Command(s.program.path, s.program.args...)
	cmd.Dir = s.dir
	process, err := startProcess(cmd, s.Log())
	if err != nil {
		s.t.Fatalf("start %s: %v", s.program.name, err)
	}
	s.process = process
}

// Kill kills the server, which may be paused, and returns once the process has
// gone. Killing a server that is down does nothing.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Wipe takes its data from a server that is down.
func (s *Server) Wipe() {
	s.t.Helper()
	if s.PID() != 0 {
		s.t.Fatalf("%s: wiped while it runs", s.program.name)
	}
	data := s.data()
	err := errors.Join(os.RemoveAll(data), os.Mkdir(data, 0o700))
	if err == nil && s.program.prepare != nil {
		err = s.program.prepare(data)
	}
	if err != nil {
		s.t.Fatalf("%s: %v", s.program.name, err)
	}
}

// Pause stops the process where it is, and returns once it has: it keeps its
// connections, which the system still accepts for it, and does nothing.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal("pause", (*process).pause)
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal("resume", (*process).resume)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) signal(what string, send func(*process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		s.t.Fatalf("%s: cannot %s it, it is down", s.program.name, what)
	}
	if err := send(s.process); err != nil {
		s.t.Fatalf("%s: %s: %v", s.program.name, what, err)
	}
}

// await returns once the server serves.
func (s *Server) await() {
	s.t.Helper()
	if err := s.serves(); err != nil {
		s.t.Fatalf("%s does not serve: %v\n%s", s.program.name, err, tail(s.Log()))
	}
}

func (s *Server) serves() error {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := s.program.ready(ctx)
		cancel()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-process.gone:
			return fmt.Errorf("the process ended: %v", process.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// says returns nil once the process that runs has written the text to its log.
func (s *Server) says(text string) error {
	s.mu.Lock()
	since := s.logged
	s.mu.Unlock()
	log, err := os.ReadFile(s.Log())
	if err == nil && !bytes.Contains(log[since:], []byte(text)) {
		err = fmt.Errorf("it has not said %q", text)
	}
	return err
}

func (s *Server) end() {
	s.Kill()
	if !s.t.Failed() {
		_ = os.RemoveAll(s.dir)
		return
	}
	_ = os.RemoveAll(s.data())
	s.t.Logf("the log of %s: %s", s.program.name, s.Log())
}

// tail returns the last lines of a file.
func tail(path string) []byte {
	const most = 2 << 10
	text, _ := os.ReadFile(path)
	return text[max(0, len(text)-most):]
}
