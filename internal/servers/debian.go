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
	"runtime"
	"strings"
)

// debian is a server whose files come from Debian's packages. Their versions are
// the distribution's matter: packages are asked for by name.
type debian struct {
	packages []string
	files    []string // paths within the packages; their last elements are kept
}

// What ZooKeeper's server needs of the packages that Debian's package depends on:
// they are 152 with theirs.
var zooKeeperJars = debian{
	packages: []string{
		"libdropwizard-metrics-java", "libnetty-java", "libslf4j-java", "libsnappy-java", "libzookeeper-java",
	},
	files: jars("metrics-core", "netty-buffer", "netty-codec", "netty-common", "netty-handler", "netty-resolver",
		"netty-transport", "slf4j-api", "slf4j-simple", "snappy-java", "zookeeper", "zookeeper-jute"),
}

// Prometheus's package depends on others for its web pages only.
var prometheusProgram = debian{packages: []string{"prometheus"}, files: []string{"usr/bin/prometheus"}}

func jars(names ...string) (files []string) {
	for _, name := range names {
		files = append(files, "usr/share/java/"+name+".jar")
	}
	return files
}

// key names the distribution that the packages are of.
func (d debian) key(name string) (string, error) {
	for _, program := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", errors.New("this system has no Debian packages")
		}
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256([]byte(strings.Join(append(d.packages, d.files...), " ")))
	return fmt.Sprintf("%s-%s-%s-%x", name, codename(string(release)), runtime.GOARCH, hash[:6]), nil
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

// fetch downloads the packages and keeps the files. apt has a state of its own
// here, so that it needs no root; it checks signatures as ever.
func (d debian) fetch(ctx context.Context, name, dir string, progress io.Writer) error {
	fmt.Fprintf(progress, "%s: downloading %s\n", name, strings.Join(d.packages, " "))
	work, err := os.MkdirTemp("", "dowel-debian-")
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
	if err := apt(ctx, work, progress, append([]string{"download"}, d.packages...)...); err != nil {
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
	for _, file := range d.files {
		if err := keep(filepath.Join(root, file), filepath.Join(dir, filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
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

// keep copies a file with its mode; jars are links to names with versions.
func keep(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}
