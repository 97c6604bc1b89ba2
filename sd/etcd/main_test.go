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
	// All may begin at once, and beside makes them take turns: the default is the number
	// of processors, and most of them wait.
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	flag.Parse()
	if testing.Short() {
		turns = make(chan struct{}, 12) // there is no suite, and no need to keep pace with it
	}
	os.Exit(m.Run())
}

// turns are for the tests beside the suite, which takes as long as all of them in turns.
// With more at once the processors would be so busy that leases run out.
var turns = make(chan struct{}, 5)

// beside has a test run beside the suite and a few others.
func beside(t *testing.T) {
	t.Helper()
	t.Parallel()
	turns <- struct{}{}
	t.Cleanup(func() { <-turns })
}
