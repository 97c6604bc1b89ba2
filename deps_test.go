package dowel_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
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

// internal packages that are not in the table are for tests and benchmarks.
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

// The go command keeps a module's internal packages to those below their parent, and
// here all modules are below the root.
func TestInternalPackagesStayInTheirModule(t *testing.T) {
	lent := []string{"internal/testserver", "internal/servers"}
	found := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := moduleOf(path.Dir(name))
		for _, spec := range file.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/")
			if !ours || !slices.Contains(strings.Split(imported, "/"), "internal") || moduleOf(imported) == from {
				continue
			}
			found++
			if !slices.Contains(lent, imported) || !strings.HasSuffix(name, "_test.go") && from != "benchmarks" {
				t.Errorf("%s imports %s of another module", name, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no module's test imports a server, which cannot be")
	}
}

// moduleOf returns the directory of the module that a directory is in.
func moduleOf(dir string) string {
	for dir != "." {
		if _, err := os.Stat(path.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = path.Dir(dir)
	}
	return dir
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
