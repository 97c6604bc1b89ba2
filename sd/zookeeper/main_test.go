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
// than there are processors, for most of them wait: the suite and three others, or eight
// where there is no suite.
func TestMain(m *testing.M) {
	sdtest.Registrant(func(process string) (sd.Registrar, error) {
		addr, path, _ := strings.Cut(process, " ")
		client, _, err := zk.Connect([]string{addr}, timeout, zk.WithLogger(silent{}))
		if err != nil {
			return nil, err
		}
		return zookeeper.NewRegistrar(client, path, zookeeper.RegisterParents())
	})
	flag.Parse()
	most := "4"
	if testing.Short() {
		most = "8"
	}
	if err := flag.Set("test.parallel", most); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
