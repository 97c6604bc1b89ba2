package servers

import (
	"context"
	"fmt"
	"io"
	"os"
)

// A Source gets one server. It is immutable.
type Source struct {
	// Name is in lower case, as in "etcd".
	Name string
	// Variable names the environment variable with the path of a server that the
	// user has: of the executable, and of the directory with the jars of a Java
	// program.
	Variable string

	// key names a version in the cache.
	key func(name string) (string, error)
	// fill puts the server into an empty directory.
	fill func(ctx context.Context, name, dir string, progress io.Writer) error
	// file is what Get returns, within that directory.
	file string
}

// The servers.
var (
	Collector = Source{
		Name: "otelcol", Variable: "DOWEL_OTELCOL", file: "otelcol", key: collectorModule.key, fill: collectorModule.build,
	}
	Consul = Source{
		Name: "consul", Variable: "DOWEL_CONSUL", file: "consul", key: consulModule.key, fill: consulModule.build,
	}
	Etcd = Source{
		Name: "etcd", Variable: "DOWEL_ETCD", file: "etcd", key: etcdModule.key, fill: etcdModule.build,
	}
	Prometheus = Source{
		Name: "prometheus", Variable: "DOWEL_PROMETHEUS", file: "prometheus",
		key: prometheusProgram.key, fill: prometheusProgram.fetch,
	}
	ZooKeeper = Source{
		Name: "zookeeper", Variable: "DOWEL_ZOOKEEPER", key: zooKeeperJars.key, fill: zooKeeperJars.fetch,
	}
)

// All returns every source.
func All() []Source { return []Source{Etcd, ZooKeeper, Prometheus, Collector, Consul} }

// Named returns the source of that name.
func Named(name string) (Source, error) {
	for _, source := range All() {
		if source.Name == name {
			return source, nil
		}
	}
	return Source{}, fmt.Errorf("no server is named %q", name)
}

// Get returns the path of the server, see Variable, and makes it first if need
// be, which may take minutes. Processes that get servers at the same time take
// turns. What goes on is written to progress.
func (s Source) Get(ctx context.Context, progress io.Writer) (string, error) {
	path, err := s.get(ctx, progress)
	if err != nil {
		return "", fmt.Errorf("get %s: %w\nSet %s to the path of %s to use your own", s.Name, err, s.Variable, s.what())
	}
	return path, nil
}

func (s Source) get(ctx context.Context, progress io.Writer) (string, error) {
	if path := os.Getenv(s.Variable); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	key, err := s.key(s.Name)
	if err != nil {
		return "", err
	}
	return cached(ctx, key, s.file, progress, func(dir string) error {
		return s.fill(ctx, s.Name, dir, progress)
	})
}

func (s Source) what() string {
	if s.file == "" {
		return "the directory with its jars"
	}
	return "its executable"
}
