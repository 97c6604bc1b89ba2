package etcd_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"github.com/dowelkit/dowel/sd/sdtest"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// TestMain can be a registrant that the suite kills.
func TestMain(m *testing.M) {
	sdtest.Registrant(func(process string) (sd.Registrar, error) {
		addr, prefix, _ := strings.Cut(process, " ")
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{addr}})
		if err != nil {
			return nil, err
		}
		return etcd.NewRegistrar(client, prefix, etcd.RegisterTTL(suiteTTL))
	})
	// Tests have a server each and mostly wait, and the default is the number of
	// processors. A flag of the user's comes after this.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
