package sdtest_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

const (
	breakEnv = "DOWEL_SDTEST_BREAK" // which defect the child process is to have
	ttl      = 30 * time.Second     // in a bubble
)

var errDown = errors.New("the registry is down")

// sound is a harness of the registry in memory, with every fault.
func sound(ttl time.Duration, spoil func(*memory.Registry, string, *sdtest.Service)) sdtest.Harness {
	var registry *memory.Registry
	return sdtest.Harness{
		InProcess: true,
		Patience:  10 * time.Minute,
		Lease:     ttl,
		Many:      100,
		Must: []sdtest.Fault{
			sdtest.Twin, sdtest.Refused, sdtest.RefusedWatch, sdtest.Outage, sdtest.Cut.Of("both"), sdtest.LoseData,
			sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Malformed, sdtest.Close,
		},
		New: func(t *testing.T, service string) sdtest.Service {
			if registry == nil {
				registry = memory.NewRegistry()
				t.Cleanup(func() { registry = nil })
			}
			s := newService(registry, service, ttl)
			if spoil != nil {
				spoil(registry, service, &s)
			}
			return s
		},
	}
}

func newService(registry *memory.Registry, service string, ttl time.Duration) sdtest.Service {
	faults, refusing := registry.Faults(), memory.NewRegistry()
	refusing.Faults().Outage(sd.Permanent(errors.New("refused")))
	client := registry.Client()
	cut := func(d memory.Direction) func(*testing.T) func() {
		return func(*testing.T) func() { client.Cut(d); return client.Heal }
	}
	return sdtest.Service{
		Instancer: client.Instancer(service),
		Registrar: client.Registrar(service, memory.TTL(ttl)),
		Twin: func() (sd.Instancer, sd.Registrar) {
			return client.Instancer(service), client.Registrar(service, memory.TTL(ttl))
		},
		Peer:         registry.Registrar(service, memory.TTL(ttl)),
		Refused:      refusing.Registrar(service),
		RefusedWatch: refusing.Instancer(service),
		Outages: map[string]func(*testing.T) func(){
			"down": func(*testing.T) func() { faults.Outage(errDown); return faults.Restore },
		},
		Cuts: map[string]func(*testing.T) func(){
			"requests": cut(memory.Requests), "replies": cut(memory.Replies), "both": cut(memory.Requests | memory.Replies),
		},
		LoseData: func(*testing.T) { faults.LoseData() },
		Expire:   func(_ *testing.T, id string) { faults.Expire(service, id) },
		Delete:   func(_ *testing.T, id string) { faults.Delete(service, id) },
		Kill:     func(_ *testing.T, id string) { faults.Kill(service, id) },
		Malformed: map[string]func(*testing.T) func(){
			"not JSON": func(*testing.T) func() {
				faults.Malform(service, "ab", errors.New("not JSON"))
				return func() { faults.Delete(service, "ab") }
			},
		},
		Close: func(*testing.T) { client.Close() },
	}
}

func TestSoundAdapterPasses(t *testing.T) { sdtest.Run(t, sound(ttl, nil)) }

// A registry that is polled in real time, as a server is. This one waits, and so it runs
// beside the child processes of the others, which reckon.
func TestSoundAdapterPassesInRealTime(t *testing.T) {
	t.Parallel()
	const ttl = 3 * time.Second // more than a heartbeat is late on a machine that is busy
	registry := memory.NewRegistry()
	h := sound(ttl, nil)
	h.New = func(_ *testing.T, service string) sdtest.Service {
		s := newService(registry, service, ttl)
		s.Cuts = map[string]func(*testing.T) func(){"both": s.Cuts["both"]} // each takes its time
		return s
	}
	h.InProcess, h.Quiet = false, 20*time.Millisecond
	h.Parallel, h.Shared = 16, []sdtest.Fault{sdtest.Outage.Of("down"), sdtest.LoseData}
	sdtest.Run(t, h)
}

// TestBroken is the child process of the tests below. A defect may hang, leak or
// panic, which only a process of its own survives.
func TestBroken(t *testing.T) {
	switch name := os.Getenv(breakEnv); name {
	case "":
		t.Skip("only in a child process of TestSuiteCatches")
	case "harness":
		sdtest.Run(t, sdtest.Harness{Quiet: -1, Must: []sdtest.Fault{"Flood", sdtest.Kill.Of("late")}, Shared: []sdtest.Fault{"Fire"}})
	case "unable":
		h := sound(ttl, func(_ *memory.Registry, _ string, s *sdtest.Service) { s.Kill = nil })
		h.Must = append(h.Must, sdtest.Outage.Of("flood"))
		sdtest.Run(t, h)
	case "mortal", "immortal":
		sdtest.Run(t, remoteHarness(name == "immortal"))
	default:
		for _, d := range defects {
			if d.name == name {
				sdtest.Run(t, sound(ttl, d.spoil))
			}
		}
	}
}

// child runs tests of this package with a defect and returns what they say.
func child(t *testing.T, tests, defect string) (out string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+tests+"$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), breakEnv+"="+defect)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			out, err := child(t, "TestBroken$/^"+d.fails, d.name)
			if err == nil {
				t.Fatalf("%s passes:\n%s", d.fails, out)
			}
			if !strings.Contains(out, "--- FAIL: TestBroken/"+d.fails) || !regexp.MustCompile(d.says).MatchString(out) {
				t.Errorf("%s does not say %q but:\n%.4000s", d.fails, d.says, out)
			}
		})
	}
}

// A case without a defect that it catches may be one that cannot fail.
func TestEveryCaseCatchesADefect(t *testing.T) {
	out, err := child(t, "TestSoundAdapterPasses", "")
	cases := regexp.MustCompile(`(?m)^=== RUN   TestSoundAdapterPasses/(\w+)$`).FindAllStringSubmatch(out, -1)
	if err != nil || len(cases) < 30 {
		t.Fatalf("%d cases, %v:\n%s", len(cases), err, out)
	}
	for _, c := range cases {
		if c[1] == "ProcessKilled" {
			continue // see TestSuiteCatchesWhoOutlivesItsProcess
		}
		if !slices.ContainsFunc(defects, func(d defect) bool { return d.fails == c[1] }) {
			t.Errorf("no defect is caught by %s", c[1])
		}
	}
}

// What should not have been registered is deregistered all the same: in a bubble
// it would end the whole test with a panic, and not with what was wrong.
func TestSuiteLeavesNoRegistration(t *testing.T) {
	for name, fails := range map[string]string{"takes any credentials": "RegisterRefused", "takes malformed instances": "RegisterMalformed"} {
		if out, err := child(t, "TestBroken$/^"+fails, name); err == nil || strings.Contains(out, "panic:") {
			t.Errorf("%s, %v:\n%.4000s", name, err, out)
		}
	}
}

func TestMalformedHarness(t *testing.T) {
	out, err := child(t, "TestBroken", "harness")
	for _, fault := range []string{"New is nil", "Quiet -1ns", `"Flood"`, `"Kill/late"`, `"Fire"`} {
		if err == nil || !strings.Contains(out, fault) {
			t.Errorf("the suite does not say %s but:\n%s", fault, out)
		}
	}
}

func TestFaultsThatMustBe(t *testing.T) {
	out, err := child(t, "TestBroken$/^Sorted", "unable")
	for _, fault := range []string{"must be able to do Kill", "must be able to do Outage/flood"} {
		if err == nil || !strings.Contains(out, fault) {
			t.Errorf("the suite does not say that the harness %s but:\n%s", fault, out)
		}
	}
}

func TestMissingFaults(t *testing.T) {
	h := sound(ttl, func(_ *memory.Registry, _ string, s *sdtest.Service) { s.Kill, s.Outages = nil, nil })
	h.Must = nil
	sdtest.Run(t, h) // skips, and fails nothing
}
