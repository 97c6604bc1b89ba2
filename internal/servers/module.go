package servers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// module is a server that is built from Go modules, by the module beside this
// package that has the server's name and pins their versions.
type module struct {
	version string // the module whose version is the server's
	program string // the package to build; "." is that of the module itself
}

var (
	consulModule    = module{version: "github.com/hashicorp/consul", program: "github.com/hashicorp/consul"}
	etcdModule      = module{version: "go.etcd.io/etcd/server/v3", program: "go.etcd.io/etcd/server/v3"}
	collectorModule = module{version: "go.opentelemetry.io/collector/otelcol", program: "."}
)

// key names the version, and all that the server is built from.
func (m module) key(name string) (string, error) {
	dir, err := moduleDir(name)
	if err != nil {
		return "", err
	}
	files := []string{filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")}
	own, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	var texts [][]byte
	for _, file := range append(files, own...) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	hash := sha256.Sum256(bytes.Join(texts, []byte{0}))
	return fmt.Sprintf("%s-%s-%s-%s-%x", name, versionOf(texts[0], m.version), runtime.GOOS, runtime.GOARCH, hash[:6]), nil
}

func (m module) build(ctx context.Context, name, dir string, progress io.Writer) error {
	at, err := moduleDir(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: building %s, once on this machine; allow some minutes\n", name, m.version)
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), m.program)
	cmd.Dir = at
	// The module stands outside of the workspace, and the user's flags may be for
	// the tests of another.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	return run(cmd, progress)
}

// versionOf returns the required version of the module.
func versionOf(mod []byte, module string) string {
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == module {
			return strings.TrimPrefix(fields[1], "v")
		}
	}
	return "unknown"
}

// moduleDir returns the directory of the module of that name. It looks for it in
// the checkout round the working directory: that of a test is its package's.
func moduleDir(name string) (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "internal", "servers", name)
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("the working directory is not within a checkout of Dowel")
		}
		at = up
	}
}

// run runs a command, and puts the end of its output into the error.
func run(cmd *exec.Cmd, progress io.Writer) error {
	var output bytes.Buffer
	both := io.MultiWriter(&output, progress)
	cmd.Stdout, cmd.Stderr = both, both
	if err := cmd.Run(); err != nil {
		const most = 4 << 10
		text := output.Bytes()
		return fmt.Errorf("%s: %w\n%s", cmd, err, text[max(0, len(text)-most):])
	}
	return nil
}
