package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine is where and when figures were taken.
type Machine struct {
	CPU    string
	Cores  int
	Procs  int // GOMAXPROCS
	Go     string
	System string
	Date   time.Time
	ByCPU  bool     // times are of the process on the processors, not of the wall
	Loads  []string // average loads, at the beginning and at the end
	Peers  []string // modules that were measured against
}

// ThisMachine returns the facts of this one. What the system does not tell is
// left out.
func ThisMachine(peers ...string) Machine {
	m := Machine{
		CPU: field("/proc/cpuinfo", "model name", ":"), Cores: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0),
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Date: time.Now().UTC(),
	}
	if name := strings.Trim(field("/etc/os-release", "PRETTY_NAME", "="), `"`); name != "" {
		m.System += ", " + name
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			for _, peer := range peers {
				if dep.Path == peer {
					m.Peers = append(m.Peers, dep.Path+" "+dep.Version)
				}
			}
		}
	}
	m.NoteLoad()
	return m
}

// NoteLoad adds the load of the last minute.
func (m *Machine) NoteLoad() {
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ := strings.Cut(string(data), " ")
		m.Loads = append(m.Loads, load)
	}
}

func (m *Machine) list() string {
	var b strings.Builder
	item := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&b, "- %s: %s\n", what, value)
		}
	}
	item("CPU", m.CPU)
	item("Cores", fmt.Sprintf("%d, GOMAXPROCS %d", m.Cores, m.Procs))
	item("Go", m.Go)
	item("System", m.System)
	times := "of the wall"
	if m.ByCPU {
		times = "of the process on the processors, all goroutines together, because the machine was busy"
	}
	item("Times", times)
	item("Date", m.Date.Format("2 January 2006, 15:04 MST"))
	item("Load average over a minute, before and after", strings.Join(m.Loads, ", "))
	item("Beside", strings.Join(m.Peers, ", "))
	return strings.TrimRight(b.String(), "\n")
}

// field returns what stands behind a key in a file of keys and values, or "".
func field(file, key, separator string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		k, v, _ := strings.Cut(lines.Text(), separator)
		if strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
