// Package etcd discovers and registers services in etcd.
package etcd

import _ "go.etcd.io/etcd/client/v3"
import _ "github.com/dowelkit/dowel/sd"
