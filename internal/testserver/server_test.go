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
	// Neither waits longer than a second, in which a busy machine may not answer.
	put func() error
	has func() (bool, error)
}

func TestServerIsKilledAndStarted(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			s := open(t)
			first := time.Since(began)
			keep(t, s)
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
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			keep(t, s)
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

func keep(t *testing.T, s store) {
	t.Helper()
	if _, err := patiently(func() (bool, error) { return true, s.put() }); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, s store, want bool) {
	t.Helper()
	if has, err := patiently(s.has); err != nil || has != want {
		t.Errorf("has the value: %v, %v; want %v", has, err, want)
	}
}

// patiently asks until there is an answer, for half a minute.
func patiently[A any](ask func() (A, error)) (answer A, err error) {
	answer, err = ask()
	for deadline := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(deadline); answer, err = ask() {
	}
	return answer, err
}

func TestConsulRefusesWithoutToken(t *testing.T) {
	t.Parallel()
	s := testserver.NewConsul(t, testserver.ConsulToken("11111111-2222-3333-4444-555555555555"))
	url := "http://" + s.Addr() + "/v1/agent/self"
	get := func(url string) ([]byte, error) {
		return patiently(func() ([]byte, error) { return ask("GET", url, "") })
	}
	if answer, err := get(url); err != nil || !strings.Contains(string(answer), "Permission denied") {
		t.Errorf("without a token: %s, %v", answer, err)
	}
	answer, err := get(url + "?token=11111111-2222-3333-4444-555555555555")
	if err != nil || !strings.Contains(string(answer), `"Datacenter":"dc1"`) {
		t.Errorf("with the token: %s, %v", answer, err)
	}
}
