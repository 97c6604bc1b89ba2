module github.com/dowelkit/dowel/benchmarks

go 1.26.0

require (
	github.com/dowelkit/dowel v0.0.0
	github.com/go-kit/kit v0.13.0
	github.com/go-kit/log v0.2.0
	github.com/go-zookeeper/zk v1.0.2
	golang.org/x/time v0.16.0
)

require github.com/go-logfmt/logfmt v0.5.1 // indirect

replace github.com/dowelkit/dowel => ../
