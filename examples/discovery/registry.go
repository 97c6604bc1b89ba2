package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/hashicorp/consul/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/dowelkit/dowel/sd/etcd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// registry is what the rest of the program knows of a registry: whoever is there,
// and how to say "I am here". The rest is the same for all.
type registry struct {
	instancer sd.Instancer
	registrar sd.Registrar
	close     func() error // of the client, which is ours and not the adapter's
}

const serviceName = "greeters"

// openRegistry makes a client of a registry that runs. It starts none, and waits
// for none: an outage at the start is as good as one later.
func openRegistry(kind, addr string) (registry, error) {
	switch kind {
	case "consul":
		return openConsul(usual(addr, "127.0.0.1:8500"))
	case "etcd":
		return openEtcd(usual(addr, "127.0.0.1:2379"))
	case "zookeeper":
		return openZooKeeper(usual(addr, "127.0.0.1:2181"))
	case "memory":
		r := memory.NewRegistry()
		return registry{r.Instancer(serviceName), r.Registrar(serviceName), func() error { return nil }}, nil
	default:
		return registry{}, fmt.Errorf("-registry %q is none of consul, etcd, zookeeper and memory", kind)
	}
}

func openConsul(addr string) (registry, error) {
	config := api.DefaultConfig()
	config.Address = addr
	client, err := api.NewClient(config)
	if err != nil {
		return registry{}, err
	}
	instancer, err := consul.NewInstancer(client, serviceName)
	if err != nil {
		return registry{}, err
	}
	registrar, err := consul.NewRegistrar(client, serviceName)
	if err != nil {
		return registry{}, err
	}
	return registry{instancer, registrar, func() error {
		config.Transport.CloseIdleConnections()
		return nil
	}}, nil
}

func openEtcd(addr string) (_ registry, err error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:         strings.Split(addr, ","),
		DialKeepAliveTime: 10 * time.Second, // notice a connection that swallows everything
	})
	if err != nil {
		return registry{}, err
	}
	defer func() {
		if err != nil {
			client.Close()
		}
	}()
	const prefix = "/services/" + serviceName
	instancer, err := etcd.NewInstancer(client, prefix)
	if err != nil {
		return registry{}, err
	}
	registrar, err := etcd.NewRegistrar(client, prefix)
	return registry{instancer, registrar, client.Close}, err
}

func openZooKeeper(addr string) (_ registry, err error) {
	dialer := &zookeeper.Dialer{}
	client, _, err := zk.Connect(strings.Split(addr, ","), 10*time.Second,
		zk.WithDialer(dialer.Dial), zk.WithLogInfo(false))
	if err != nil {
		return registry{}, err
	}
	defer func() {
		if err != nil {
			client.Close()
		}
	}()
	const path = "/services/" + serviceName
	instancer, err := zookeeper.NewInstancer(client, path, zookeeper.WatchDialer(dialer))
	if err != nil {
		return registry{}, err
	}
	registrar, err := zookeeper.NewRegistrar(client, path, zookeeper.RegisterParents())
	return registry{instancer, registrar, func() error {
		client.Close()
		return nil
	}}, err
}
