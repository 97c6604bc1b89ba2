package testserver_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

func TestEnsembleReplacesItsLeader(t *testing.T) {
	t.Parallel()
	ensembles := map[string]func(testing.TB, int) *testserver.Ensemble{
		"consul":    testserver.NewConsulEnsemble,
		"etcd":      testserver.NewEtcdEnsemble,
		"zookeeper": testserver.NewZooKeeperEnsemble,
	}
	for name, open := range ensembles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			e := open(t, 3)
			start := time.Since(began)
			if addrs := e.Addrs(); len(addrs) != 3 || addrs[0] == addrs[1] {
				t.Errorf("addresses %v", addrs)
			}
			first := e.Leader()
			first.Kill()
			began = time.Now()
			second := e.Leader()
			t.Logf("start %v, a new leader after %v", start, time.Since(began))
			if second == first {
				t.Fatal("a killed node leads")
			}
			first.Start() // as a follower
			e.Kill()
			e.Wipe()
			e.Start()
			e.Leader()
		})
	}
}
