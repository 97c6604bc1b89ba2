package servers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What ZooKeeper's server needs of the packages that Debian's package depends on:
// they are 152 with theirs.
var (
	jarPackages = []string{
		"libdropwizard-metrics-java", "libnetty-java", "libslf4j-java", "libsnappy-java", "libzookeeper-java",
	}
	jars = []string{
		"metrics-core", "netty-buffer", "netty-codec", "netty-common", "netty-handler", "netty-resolver", "netty-transport",
		"slf4j-api", "slf4j-simple", "snappy-java", "zookeeper", "zookeeper-jute",
	}
)

// jarsKey names the distribution that the packages are of. Their versions are the
// distribution's matter: packages are asked for by name.
func jarsKey(name string) (string, error) {
	for _, program := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", errors.New("this system has no Debian packages")
		}
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256([]byte(strings.Join(append(jarPackages, jars...), " ")))
	return fmt.Sprintf("%s-%s-%x", name, codename(string(release)), hash[:6]), nil
}

// codename returns that of a distribution, as in "bookworm".
func codename(release string) string {
	for line := range strings.Lines(release) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return "unknown"
}

// fetchJars downloads the packages and keeps the jars. apt has a state of its own
// here, so that it needs no root; it checks signatures as ever.
func fetchJars(ctx context.Context, name, dir string, progress io.Writer) error {
	fmt.Fprintf(progress, "%s: downloading %s\n", name, strings.Join(jarPackages, " "))
	work, err := os.MkdirTemp("", "dowel-jars-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "root"} {
		if err := os.MkdirAll(filepath.Join(work, sub), 0o755); err != nil {
			return err
		}
	}
	if err := apt(ctx, work, progress, "update"); err != nil {
		return err
	}
	if err := apt(ctx, work, progress, append([]string{"download"}, jarPackages...)...); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	root := filepath.Join(work, "root")
	for _, deb := range packages {
		if err := run(exec.CommandContext(ctx, "dpkg", "-x", deb, root), progress); err != nil {
			return err
		}
	}
	return keepJars(filepath.Join(root, "usr/share/java"), dir)
}

func apt(ctx context.Context, work string, progress io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{
		"-qq",
		"-o", "Dir::State=" + filepath.Join(work, "state"),
		"-o", "Dir::State::status=/var/lib/dpkg/status",
		"-o", "Dir::Cache=" + filepath.Join(work, "cache"),
		"-o", "APT::Sandbox::User=",
		"-o", "APT::Update::Post-Invoke::=",
		"-o", "Debug::NoLocking=1",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
	}, args...)...)
	cmd.Dir = work
	return run(cmd, progress)
}

// keepJars copies the jars; in the packages they are links to names with versions.
func keepJars(from, to string) error {
	for _, jar := range jars {
		data, err := os.ReadFile(filepath.Join(from, jar+".jar"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, jar+".jar"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
