// Package grpckit serves and calls endpoints over gRPC, with grpc-go's own servers,
// connections and generated code.
//
//	type server struct {
//		pb.UnimplementedAddServer
//		Service
//	}
//
//	func (s server) Sum(ctx context.Context, r *pb.SumRequest) (*pb.SumReply, error) { return s.Service.Sum(ctx, r) }
//
//	func main() {
//		s := grpckit.NewServer()
//		pb.RegisterAddServer(s, server{})
//		fmt.Println(transport.Serve(context.Background(), ":8081", s)) // dowel/transport
//	}
//
// The other side calls it, at one address or at whatever instance is live:
//
//	conn, err := grpckit.NewClient("10.0.0.1:8081")
//	// or, of any sd.Instancer:
//	conn, err := grpckit.NewBalancedClient("addsvc", instances, lb.PeakEWMA())
//
//	sum := grpckit.NewEndpoint(pb.NewAddClient(conn).Sum)
//
// or with one connection for each instance, for whatever belongs to one of them:
//
//	clients := sd.NewEndpointer(instances, grpckit.Dialer(pb.NewAddClient))
//	sum := lb.Endpoint(lb.New(clients, lb.PeakEWMA()), grpckit.Method(pb.AddClient.Sum))
//
// What travels with a call, see package call, travels as metadata. An error goes out
// as a status with the code, the message, the reason, when to try again and whether
// the call was processed, and becomes the same [*endpoint.Error] on the other side;
// its cause stays here. What a service makes by grpc-go's package status goes out as it
// is; [Coded] tells logs and metrics of it. [Convert] is for endpoints of types other
// than the generated ones, [NewStreamEndpoint], [Messages] and [Send] are for streams.
package grpckit
