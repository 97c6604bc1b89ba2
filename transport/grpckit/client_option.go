package grpckit

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// DefaultMaxMessage is how many bytes a message may have that is received, on both
// sides, if [MaxReceive] or [ClientMaxReceive] does not say otherwise: 4 MiB.
const DefaultMaxMessage = 4 << 20

// ClientOption changes a connection that [NewClient], [NewBalancedClient] or
// [Dialer] makes.
type ClientOption func(*clientConfig) error

type clientConfig struct {
	creds      credentials.TransportCredentials
	timeout    time.Duration // 0 is none
	maxReceive int
	foreign    bool
	picked     bool                       // see source
	loads      *lb.Loads                  // nil if nobody wants to know
	config     map[string]json.RawMessage // the service config but for the balancer
	dial       []grpc.DialOption
	endpointer []sd.EndpointerOption
}

// ClientTLS encrypts the connection. The certificate of the server is checked
// against the host of the address, or the name of a balanced service, unless
// c.ServerName says otherwise. A certificate in c makes it mutual. c is copied. Without
// this option the connection is in plain text.
func ClientTLS(c *tls.Config) ClientOption {
	return func(o *clientConfig) error {
		if c == nil {
			return errors.New("ClientTLS: the configuration is nil")
		}
		o.creds = newClientTLS(c)
		return nil
	}
}

// ClientTimeout bounds each unary call. A sooner deadline of the context wins. The
// default is 30 s; zero leaves it to the context alone. Streams are always left to
// their context.
func ClientTimeout(d time.Duration) ClientOption {
	return func(o *clientConfig) error {
		o.timeout = d
		return unless(d >= 0, "ClientTimeout: must not be negative: %v", d)
	}
}

// ClientMaxReceive bounds the messages that are received, in bytes,
// [DefaultMaxMessage] if it is not given. A larger one is an error of code
// ResourceExhausted. It must be positive.
func ClientMaxReceive(bytes int) ClientOption {
	return func(o *clientConfig) error {
		o.maxReceive = bytes
		return unless(bytes > 0, "ClientMaxReceive: must be positive, not %d", bytes)
	}
}

// Foreign says that the server belongs to somebody else. Nothing of the call is sent
// to it but the deadline, which is gRPC's own, and metadata that is in the context.
// And it is not believed that it processed nothing, nor do its messages and reasons go
// on to those whom we serve: they are in the cause of an error, for logs, and its status
// with all details is found by status.FromError.
func Foreign() ClientOption {
	return func(o *clientConfig) error {
		o.foreign = true
		return nil
	}
}

// ReportTo hands over what servers say of their own load, with each answer, for
// [lb.LeastLoaded] to choose by:
//
//	loads := new(lb.Loads)
//	conn, err := grpckit.NewBalancedClient("addsvc", instances, lb.LeastLoaded(loads), grpckit.ReportTo(loads))
//
// It is what servers with [ReportLoad] send, and all others that send the trailer
// endpoint-load-metrics-bin of gRFC A51: of a report the application's utilization
// counts, or that of the processor if it has none.
func ReportTo(loads *lb.Loads) ClientOption {
	return func(o *clientConfig) error {
		o.loads = loads
		return unless(loads != nil, "ReportTo: the loads are nil")
	}
}

// ServiceConfig sets gRPC's service config, in JSON, for instance the methodConfig
// with the retryPolicy by which gRPC itself tries streams and calls again. Its
// loadBalancingConfig is the toolkit's own.
func ServiceConfig(config string) ClientOption {
	return func(o *clientConfig) error {
		o.config = nil
		if err := json.Unmarshal([]byte(config), &o.config); err != nil {
			return fmt.Errorf("ServiceConfig: %w", err)
		}
		_, own := o.config["loadBalancingConfig"]
		return unless(!own, "ServiceConfig: loadBalancingConfig is not to be set")
	}
}

// Instances passes options on to the [sd.Endpointer] that keeps a connection for each
// instance. Its drain is gRPC's own: calls in flight on an instance that left end in
// their own time.
func Instances(opts ...sd.EndpointerOption) ClientOption {
	return func(o *clientConfig) error {
		o.endpointer = append(o.endpointer, opts...)
		return nil
	}
}

// DialOptions passes options on to grpc-go, after those of the toolkit. Interceptors
// that are chained, see [grpc.WithChainUnaryInterceptor], see a call after its
// metadata is set; one that is not, see [grpc.WithUnaryInterceptor], before.
//
// A chained interceptor may invoke a call several times, side by side too. The error
// and the record of the call, see [call.Observe], then name the instance that was
// picked last, which need not be the one that the error is of. It is named rightly if
// the interceptor gives each attempt a context of call.Observe, puts the Instance of
// that record, unless it is empty, into the [*endpoint.Error] that it returns, and
// tells the call of it by [call.Call.Answered]. [lb.Hedge], round the endpoint, does
// all that.
func DialOptions(opts ...grpc.DialOption) ClientOption {
	return func(o *clientConfig) error {
		o.dial = append(o.dial, opts...)
		return nil
	}
}

func newClientConfig(opts []ClientOption) (clientConfig, error) {
	c := clientConfig{creds: insecure.NewCredentials(), timeout: 30 * time.Second, maxReceive: DefaultMaxMessage}
	var faults []error
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(&c))
	}
	for i, opt := range c.endpointer {
		faults = append(faults, unless(opt != nil, "Instances: option %d is nil", i+1))
	}
	for i, opt := range c.dial {
		faults = append(faults, unless(opt != nil, "DialOptions: option %d is nil", i+1))
	}
	return c, errors.Join(faults...)
}

func mustClientConfig(function string, opts []ClientOption) clientConfig {
	c, err := newClientConfig(opts)
	refuse(function, err)
	return c
}

// serviceConfig returns the whole, with the balancer of the toolkit.
func (c *clientConfig) serviceConfig() (string, error) {
	all := map[string]any{"loadBalancingConfig": []any{map[string]any{balancerName: struct{}{}}}}
	for key, value := range c.config {
		all[key] = value
	}
	text, err := json.Marshal(all)
	return string(text), err
}
