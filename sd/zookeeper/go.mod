module github.com/dowelkit/dowel/sd/zookeeper

go 1.26.0

require (
	github.com/dowelkit/dowel v0.0.0
	github.com/go-zookeeper/zk v1.0.4
)

replace github.com/dowelkit/dowel => ../..
