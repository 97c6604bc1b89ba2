package rows

import (
	"slices"
	"sync"

	kit "github.com/go-kit/kit/endpoint"
	kitsd "github.com/go-kit/kit/sd"
	kitlb "github.com/go-kit/kit/sd/lb"
	kitzk "github.com/go-kit/kit/sd/zk"
	kitlog "github.com/go-kit/log"
	"github.com/go-zookeeper/zk"
)

// kitChanging is Go kit's way from a registry to a pick.
type kitChanging struct {
	list       *zkList
	instancer  *kitzk.Instancer
	endpointer *kitCounting
	balancer   kitlb.Balancer
	extra      string
}

// NewKitChanging returns n instances of Go kit's.
func NewKitChanging(n int) (Changing, error) {
	list := &zkList{addrs: addrs(n), changed: make(chan zk.Event)}
	instancer, err := kitzk.NewInstancer(list, "/"+service, kitlog.NewNopLogger())
	if err != nil {
		return nil, err
	}
	e, err := NewKitEndpointer(instancer, n)
	if err != nil {
		instancer.Stop()
		return nil, err
	}
	counted := &kitCounting{DefaultEndpointer: e}
	return &kitChanging{list, instancer, counted, kitlb.NewRoundRobin(counted), Addr(n)}, nil
}

func (c *kitChanging) Join() error {
	c.list.set(func(addrs []string) []string { return append(addrs, c.extra) })
	return nil
}

func (c *kitChanging) Leave() error {
	c.list.set(func(addrs []string) []string { return addrs[:len(addrs)-1] })
	return nil
}

func (c *kitChanging) Pick() (int, error) {
	_, err := c.balancer.Endpoint()
	return c.endpointer.known, err
}

func (c *kitChanging) Close() {
	c.endpointer.Close()
	c.instancer.Stop()
}

// kitCounting notes how many endpoints the balancer last saw.
type kitCounting struct {
	*kitsd.DefaultEndpointer
	known int
}

func (e *kitCounting) Endpoints() ([]kit.Endpoint, error) {
	all, err := e.DefaultEndpointer.Endpoints()
	e.known = len(all)
	return all, err
}

// zkList is the client of a ZooKeeper that is a list: it copies the list for whoever
// reads it, and that is all.
type zkList struct {
	mu      sync.Mutex
	addrs   []string
	changed chan zk.Event
}

func (l *zkList) set(change func([]string) []string) {
	l.mu.Lock()
	l.addrs = change(l.addrs)
	l.mu.Unlock()
	l.changed <- zk.Event{}
}

func (l *zkList) GetEntries(string) ([]string, <-chan zk.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.addrs), l.changed, nil
}

func (l *zkList) CreateParentNodes(string) error  { return nil }
func (l *zkList) Register(*kitzk.Service) error   { return nil }
func (l *zkList) Deregister(*kitzk.Service) error { return nil }
func (l *zkList) Stop()                           {}
