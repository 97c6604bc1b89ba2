package testserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

// store is a server and a way to keep a value there.
type store struct {
	*testserver.Server
	put func(t *testing.T)
	// has waits no longer than a second.
	has func() (bool, error)
}

func TestServerIsKilledAndStarted(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			s := open(t)
			first := time.Since(began)
			s.put(t)
			expect(t, s, true)

			s.Kill()
			if pid := s.PID(); pid != 0 {
				t.Errorf("a killed server has process %d", pid)
			}
			if _, err := s.has(); err == nil {
				t.Error("a killed server answers")
			}
			began = time.Now()
			s.Start()
			t.Logf("first start %v, with data %v", first, time.Since(began))
			expect(t, s, true)

			s.Kill()
			s.Wipe()
			s.Start()
			expect(t, s, false)
		})
	}
}

func TestServerIsSilentWhilePaused(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.put(t)
			s.Pause()
			if has, err := s.has(); err == nil {
				t.Errorf("a paused server answers: %v", has)
			}
			s.Resume()
			expect(t, s, true)
			s.Pause() // a paused server can be killed, and ends with the test
		})
	}
}

func expect(t *testing.T, s store, want bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	has, err := s.has()
	for ; err != nil && time.Now().Before(deadline); has, err = s.has() {
	}
	if err != nil || has != want {
		t.Errorf("has the value: %v, %v; want %v", has, err, want)
	}
}

func TestConsulRefusesWithoutToken(t *testing.T) {
	s := testserver.NewConsul(t, testserver.ConsulToken("11111111-2222-3333-4444-555555555555"))
	url := "http://" + s.Addr() + "/v1/agent/self"
	if answer, err := ask("GET", url, ""); err != nil || !strings.Contains(string(answer), "Permission denied") {
		t.Errorf("without a token: %s, %v", answer, err)
	}
	answer, err := ask("GET", url+"?token=11111111-2222-3333-4444-555555555555", "")
	if err != nil || !strings.Contains(string(answer), `"Datacenter":"dc1"`) {
		t.Errorf("with the token: %s, %v", answer, err)
	}
}
