module github.com/dowelkit/dowel/examples

go 1.26.0

require (
	github.com/dowelkit/dowel v0.0.0
	golang.org/x/time v0.16.0
)

require (
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)

require (
	github.com/dowelkit/dowel/transport/grpckit v0.0.0
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

replace github.com/dowelkit/dowel => ../

replace github.com/dowelkit/dowel/transport/grpckit => ../transport/grpckit
