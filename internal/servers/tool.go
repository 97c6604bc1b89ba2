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

// toolKey names the version of a server that the module beside this package, of
// that name, pins as its tool.
func toolKey(name string) (string, error) {
	dir, err := moduleDir(name)
	if err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return "", err
	}
	tool := toolOf(mod)
	hash := sha256.Sum256(bytes.Join([][]byte{mod, sum}, []byte{0}))
	return fmt.Sprintf("%s-%s-%s-%s-%x", name, versionOf(mod, tool), runtime.GOOS, runtime.GOARCH, hash[:6]), nil
}

// buildTool builds the tool of the module of that name.
func buildTool(ctx context.Context, name, dir string, progress io.Writer) error {
	module, err := moduleDir(name)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: building %s, once on this machine; allow some minutes\n", name, toolOf(mod))
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), toolOf(mod))
	cmd.Dir = module
	// The module stands outside of the workspace, and the user's flags may be for
	// the tests of another.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	return run(cmd, progress)
}

// toolOf returns the package that a go.mod has as its only tool.
func toolOf(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if tool, ok := strings.CutPrefix(line, "tool "); ok {
			return strings.TrimSpace(tool)
		}
	}
	return ""
}

// versionOf returns the required version of the module that is the package.
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
