package grpckit_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// One connection per instance, by an Endpointer, is the other way to balance.
func TestAConnectionForEachInstance(t *testing.T) {
	f := newFleet(t, 3)
	clients := sd.NewEndpointer(f.registry.Instancer("echo"), grpckit.Dialer(echopb.NewEchoClient))
	defer clients.Close()
	eventually(t, "all are dialed", func() bool { return clients.Status().Live == 3 })
	say := lb.Endpoint(lb.New(clients, lb.RoundRobin()), grpckit.Method(echopb.EchoClient.Say))
	homes := make(map[string]bool)
	for range 12 {
		m, err := say(within(t), &echopb.Message{})
		if err != nil {
			t.Fatal(err)
		}
		homes[m.GetText()] = true
	}
	if len(homes) != 3 {
		t.Errorf("the calls went to %v", homes)
	}
	bad := error(&endpoint.Error{Code: endpoint.NotFound, Reason: "R"})
	f.members[0].fail.Store(&bad)
	f.publish(f.members[0])
	eventually(t, "its errors name it", func() bool {
		_, err := say(within(t), &echopb.Message{})
		e, ok := errors.AsType[*endpoint.Error](err)
		return ok && e.Instance == f.members[0].ID && errors.Is(err, bad)
	})
}

type number int64

func toMessage(n number) (*echopb.Message, error) {
	if n < 0 {
		return nil, errors.New("negative secret")
	}
	return &echopb.Message{N: int64(n)}, nil
}

func fromMessage(m *echopb.Message) (number, error) {
	if m.GetN() > 100 {
		return 0, errors.New("large secret")
	}
	return number(m.GetN()), nil
}

func TestConvert(t *testing.T) {
	double := func(_ context.Context, n number) (number, error) {
		if n == 13 {
			return 0, errStream
		}
		return 2 * n, nil
	}
	addr := serve(t, grpckit.NewServer(), &echo{say: grpckit.Convert(double, fromMessage, toMessage)})
	client := grpckit.NewEndpoint(echopb.NewEchoClient(dial(t, addr)).Say)
	ours := grpckit.Convert(client, toMessage, fromMessage)
	if n, err := ours(within(t), 21); n != 42 || err != nil {
		t.Errorf("%v, %v", n, err)
	}
	for _, tt := range []struct {
		n     number
		code  endpoint.Code
		local bool
	}{
		{-1, endpoint.InvalidArgument, true}, // our request
		{13, endpoint.OutOfRange, false},
		{51, endpoint.Internal, false}, // our response
	} {
		n, err := ours(within(t), tt.n)
		if n != 0 || endpoint.CodeOf(err) != tt.code || endpoint.IsLocal(err) != tt.local {
			t.Errorf("of %d: %v, %v", tt.n, n, err)
		}
		if strings.Contains(endpoint.Public(err).Message, "secret") {
			t.Errorf("of %d the caller is told %q", tt.n, endpoint.Public(err).Message)
		}
	}
	// The server's request and response.
	for n, code := range map[int64]endpoint.Code{101: endpoint.InvalidArgument, -1: endpoint.Internal} {
		if _, err := client(within(t), &echopb.Message{N: n}); endpoint.CodeOf(err) != code || strings.Contains(err.Error(), "secret") {
			t.Errorf("of %d the error is %v", n, err)
		}
	}
	// A code that was chosen stays.
	chosen := func(number) (*echopb.Message, error) { return nil, errStream }
	if _, err := grpckit.Convert(client, chosen, fromMessage)(within(t), 1); !errors.Is(err, errStream) {
		t.Errorf("the error is %v", err)
	}
}

// A typed error survives both wires, in either order.
func TestEveryCodeSurvivesBothWires(t *testing.T) {
	type message struct{ Code endpoint.Code }
	asError := func(_ context.Context, m message) (message, error) {
		return m, &endpoint.Error{Code: m.Code, Message: "text", Reason: "A_REASON"}
	}
	toPB := func(m message) (*echopb.Message, error) { return &echopb.Message{N: int64(m.Code)}, nil }
	fromPB := func(m *echopb.Message) (message, error) { return message{endpoint.Code(m.GetN())}, nil }
	overGRPC := func(e endpoint.Endpoint[message, message]) endpoint.Endpoint[message, message] {
		addr := serve(t, grpckit.NewServer(), &echo{say: grpckit.Convert(e, fromPB, toPB)})
		return grpckit.Convert(grpckit.NewEndpoint(echopb.NewEchoClient(dial(t, addr)).Say), toPB, fromPB)
	}
	overHTTP := func(e endpoint.Endpoint[message, message]) endpoint.Endpoint[message, message] {
		s := httptest.NewServer(httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON))
		t.Cleanup(s.Close)
		c, err := httpkit.NewClient(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		return httpkit.NewEndpoint[message, message](c, "POST /")
	}
	for name, e := range map[string]endpoint.Endpoint[message, message]{
		"HTTP before gRPC": overHTTP(overGRPC(asError)), "gRPC before HTTP": overGRPC(overHTTP(asError)),
	} {
		for code := endpoint.Canceled; code <= endpoint.Unauthenticated; code++ {
			_, err := e(within(t), message{code})
			got, ok := errors.AsType[*endpoint.Error](err)
			if !ok || got.Code != code || got.Message != "text" || got.Reason != "A_REASON" {
				t.Errorf("%s: of %v arrives %v", name, code, err)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	say := (&echo{say: repeat}).say
	next := endpoint.Endpoint[*echopb.Message, *echopb.Message](say)
	for name, tt := range map[string]struct {
		misuse func()
		want   string
	}{
		"NewServer": {func() {
			grpckit.NewServer(grpckit.TLS(nil), nil, grpckit.Timeout(0), grpckit.MaxReceive(0), grpckit.Logger(nil),
				grpckit.LogStreams(nil), grpckit.Readiness(nil), grpckit.ReportLoad(nil), grpckit.Allow("X-Request-Id", "a b"), grpckit.ServerOptions(nil))
		}, "NewServer: TLS: the configuration is nil; option 2 is nil; Timeout: must be positive, not 0s; MaxReceive: must be positive, not 0; " +
			"Logger: the logger is nil; LogStreams: the logger is nil; Readiness: it is nil; ReportLoad: the function is nil; ServerOptions: option 1 is nil; " +
			`Allow: "X-Request-Id" is reserved; "a b" is not a header name`},
		"interceptors":   {func() { grpckit.UnaryServerInterceptor(nil) }, "UnaryServerInterceptor: option 1 is nil"},
		"client's loads": {func() { grpckit.UnaryClientInterceptor(grpckit.ReportTo(nil)) }, "ReportTo: the loads are nil"},
		"client's":       {func() { grpckit.StreamClientInterceptor(grpckit.ClientTimeout(-1)) }, "ClientTimeout: must not be negative: -1ns"},
		"NewEndpoint": {func() {
			grpckit.NewEndpoint[*echopb.Message, *echopb.Message](nil, nil)
		}, "NewEndpoint: the method is nil; option 1 is nil"},
		"NewStreamEndpoint": {func() {
			grpckit.NewStreamEndpoint[*echopb.Message, echopb.Message](nil)
		}, "NewStreamEndpoint: the method is nil"},
		"Method": {func() {
			grpckit.Method[echopb.EchoClient, *echopb.Message, *echopb.Message](nil)
		}, "Method: the method is nil"},
		"NewEndpoint of a stream": {func() {
			var client echopb.EchoClient = echopb.NewEchoClient(nil)
			grpckit.NewEndpoint(client.List)
		}, "NewEndpoint: the method is a stream"},
		"Method of a stream": {func() { grpckit.Method(echopb.EchoClient.List) }, "Method: the method is a stream"},
		"Dialer":             {func() { grpckit.Dialer[echopb.EchoClient](nil, nil) }, "Dialer: the function for the client is nil; option 1 is nil"},
		"Convert":            {func() { grpckit.Convert[int](next, nil, (func(*echopb.Message) (int, error))(nil)) }, "Convert: request is nil; response is nil"},
		"Probe":              {func() { grpckit.Probe("", grpckit.ClientTLS(nil)) }, "Probe: ClientTLS: the configuration is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v, _ := recover().(string); !strings.HasPrefix(v, "grpckit: ") || !strings.Contains(v, tt.want) {
					t.Errorf("the panic is %q, want %q", v, tt.want)
				}
			}()
			tt.misuse()
		})
	}
}

func TestWrongInputIsAnError(t *testing.T) {
	_, err := grpckit.NewClient("no port", nil, grpckit.ClientMaxReceive(0), grpckit.ClientTimeout(-1),
		grpckit.ServiceConfig("{"), grpckit.ServiceConfig(`{"loadBalancingConfig": []}`),
		grpckit.Instances(nil), grpckit.DialOptions(nil))
	for _, want := range []string{"no port", "option 1 is nil", "ClientMaxReceive", "ClientTimeout", "ServiceConfig: unexpected", "loadBalancingConfig", "Instances: option 1", "DialOptions: option 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q: %v", want, err)
		}
	}
	_, err = grpckit.NewBalancedClient("", nil, nil, nil)
	for _, want := range []string{"the name is empty", "the instancer is nil", "the strategy is nil", "option 1 is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q: %v", want, err)
		}
	}
	if _, err := grpckit.NewClient("127.0.0.1:1", grpckit.ServiceConfig(`{"methodConfig": 1}`)); err == nil {
		t.Error("a service config that gRPC does not understand is taken")
	}
	conn, err := grpc.NewClient("127.0.0.1:1", grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"dowel": {}}]}`), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := echopb.NewEchoClient(conn).Say(ctx, &echopb.Message{}); err == nil {
		t.Error("the balancer works without a source")
	}
}
