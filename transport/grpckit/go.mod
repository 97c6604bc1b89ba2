module github.com/dowelkit/dowel/transport/grpckit

go 1.26.0

require (
	github.com/cncf/xds/go v0.0.0-20260202195803-dba9d589def2
	google.golang.org/grpc v1.85.0
)

require github.com/envoyproxy/protoc-gen-validate v1.3.3 // indirect

require (
	github.com/dowelkit/dowel v0.0.0
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1
	google.golang.org/protobuf v1.36.12
)

replace github.com/dowelkit/dowel => ../..
