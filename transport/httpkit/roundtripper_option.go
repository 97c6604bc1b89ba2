package httpkit

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// RoundTripperOption changes what [NewRoundTripper] makes.
type RoundTripperOption func(*roundTripperConfig)

type roundTripperConfig struct {
	base     http.RoundTripper
	services map[string]serviceConfig
	loads    *lb.Loads // nil if nobody wants to know
	faults   []error
}

type serviceConfig struct {
	instances sd.Instancer
	strategy  lb.Strategy
	opts      []sd.EndpointerOption
}

// Service balances requests for that host over the instances. The name is compared
// without regard to case; it is the whole host of a URL, so that a URL with a port
// is not meant.
func Service(name string, instances sd.Instancer, strategy lb.Strategy, opts ...sd.EndpointerOption) RoundTripperOption {
	return func(c *roundTripperConfig) {
		key := strings.ToLower(name)
		_, twice := c.services[key]
		c.require(name != "" && !strings.ContainsAny(name, "/@?# \t\r\n"), "Service: %q is no host", name)
		c.require(!twice, "Service: %q is there twice", name)
		c.require(instances != nil, "Service: %q: the instancer is nil", name)
		c.require(strategy != nil, "Service: %q: the strategy is nil", name)
		for i, opt := range opts {
			c.require(opt != nil, "Service: %q: option %d is nil", name, i+1)
		}
		c.services[key] = serviceConfig{instances, strategy, opts}
	}
}

// Base sends the requests, to instances and to every other host. The default is a
// transport of the RoundTripper's own, set up like that of a [Client].
func Base(base http.RoundTripper) RoundTripperOption {
	return func(c *roundTripperConfig) {
		c.require(base != nil, "Base is nil")
		c.base = base
	}
}

// ReportTo leaves in loads what instances say of their own load, for [lb.LeastLoaded]
// of the same loads; see [ClientReportTo].
func ReportTo(loads *lb.Loads) RoundTripperOption {
	return func(c *roundTripperConfig) {
		c.require(loads != nil, "ReportTo: the loads are nil")
		c.loads = loads
	}
}

func newRoundTripperConfig(opts []RoundTripperOption) *roundTripperConfig {
	c := &roundTripperConfig{services: map[string]serviceConfig{}}
	for i, opt := range opts {
		if opt == nil {
			c.require(false, "option %d is nil", i+1)
			continue
		}
		opt(c)
	}
	c.require(len(c.services) > 0, "there is no Service")
	refuse("NewRoundTripper", c.faults)
	return c
}

func (c *roundTripperConfig) require(ok bool, format string, args ...any) {
	if !ok {
		c.faults = append(c.faults, fmt.Errorf(format, args...))
	}
}
