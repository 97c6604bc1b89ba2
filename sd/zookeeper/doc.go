// Package zookeeper discovers and registers services in ZooKeeper.
package zookeeper

import _ "github.com/go-zookeeper/zk"
import _ "github.com/dowelkit/dowel/sd"
