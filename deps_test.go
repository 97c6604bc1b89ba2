package dowel_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dowelkit/dowel"

// mayImport says what each package may import of this module and of others, the
// standard library aside. A package that is not listed may import nothing.
var mayImport = map[string][]string{
	"":                  {},
	"endpoint":          {},
	"call":              {},
	"sd":                {},
	"sd/static":         {"sd"},
	"sd/memory":         {"sd"},
	"sd/dns":            {"sd"},
	"sd/sdtest":         {"sd", "sd/memory"},
	"lb":                {"sd", "endpoint", "call"},
	"lb/lbsim":          {"sd", "endpoint", "call", "lb", "internal/adaptive"},
	"ratelimit":         {"endpoint", "call", "internal/adaptive", "golang.org/x/time/rate"},
	"circuitbreaker":    {"endpoint", "call", "github.com/sony/gobreaker/v2"},
	"log":               {"endpoint", "call"},
	"transport":         {"endpoint", "call", "sd", "lb"},
	"internal/adaptive": {"call"},
	"transport/httpkit": {"endpoint", "call", "sd", "lb", "transport"},
}

// internal packages that are not in the table are for the tests of this module alone.
const internal = module + "/internal/"

func TestArrowsPointOneWay(t *testing.T) {
	found := map[string]bool{}
	for line := range strings.Lines(golist(t, "-f", `{{.ImportPath}}|{{join .Imports ","}}`, "./...")) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), "|")
		name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		allowed, listed := mayImport[name]
		if !listed && strings.HasPrefix(path, internal) {
			continue
		}
		if !listed {
			t.Errorf("package %s is not in the table: say what it may import", name)
			continue
		}
		found[name] = true
		for imported := range strings.SplitSeq(imports, ",") {
			if standard(imported) {
				continue
			}
			if !slices.Contains(allowed, strings.TrimPrefix(imported, module+"/")) {
				t.Errorf("package %s imports %s", name, imported)
			}
		}
	}
	for name := range mayImport {
		if !found[name] {
			t.Errorf("the table lists package %q, which is not there", name)
		}
	}
}

func TestTheCoreCompilesNothingButTheStandardLibrary(t *testing.T) {
	for _, name := range []string{"endpoint", "call", "sd"} {
		own := module + "/" + name
		for dep := range strings.FieldsSeq(golist(t, "-deps", "./"+name)) {
			if dep != own && !standard(dep) {
				t.Errorf("package %s compiles %s", name, dep)
			}
		}
	}
}

func TestTheGraphHoldsNoClientOfARegistryNorGRPCNorOpenTelemetry(t *testing.T) {
	graph := golist(t, "-m", "all")
	if !strings.Contains(graph, "golang.org/x/time") {
		t.Fatalf("this is not the module graph:\n%s", graph)
	}
	for _, banned := range []string{
		"hashicorp/consul", "go.etcd.io", "zookeeper", "google.golang.org/grpc", "opentelemetry", "go-kit",
	} {
		if strings.Contains(graph, banned) {
			t.Errorf("the module graph holds %s:\n%s", banned, graph)
		}
	}
}

// standard reports whether the path is of the standard library: its first element
// has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// golist runs go list in this module alone.
func golist(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return string(out)
}
