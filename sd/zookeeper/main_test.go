package zookeeper_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/sdtest"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// TestMain can be a registrant that the suite kills. It lets more tests run at once
// than there are processors, for most of them wait: the suite and three others.
func TestMain(m *testing.M) {
	sdtest.Registrant(func(process string) (sd.Registrar, error) {
		addr, path, _ := strings.Cut(process, " ")
		client, _, err := zk.Connect([]string{addr}, timeout, zk.WithLogger(silent{}))
		if err != nil {
			return nil, err
		}
		return zookeeper.NewRegistrar(client, path, zookeeper.RegisterParents())
	})
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
