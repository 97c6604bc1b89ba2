package lb

import (
	"errors"
	"fmt"
	"math"

	"github.com/dowelkit/dowel/sd"
)

// Zone returns a strategy that prefers the instances in a zone, the caller's, and
// lets inner choose among them. It spills over to the others by capacity, in two
// steps.
//
// First, what the zone is fit for. If it has the weight W of the ΣW of all
// instances, and the share s of all callers are in it, a call stays in the zone
// with the probability
//
//	min(1, h · (W/ΣW) / s)
//
// which is Envoy's zone aware routing with weights in place of counts: callers
// everywhere that do so load each zone at most h times as much per weight as if there
// were no zones. h is the headroom, see [ZoneHeadroom]; s is 1 divided by the
// number of zones, see [ZoneCallers].
//
// Second, what the zone bears now. Where a call would stay, inner chooses one
// instance here and, if that one is not idle, another one elsewhere, and the call
// goes there if the one here has
//
//	(calls in flight + 1) / weight
//
// more than b times as much as the one there, see [ZoneBias]. So a zone that slows
// down spills over before it fails. A probe of [Eject] further inside is not given away:
// it goes to the instance of the two that it is for.
//
// Calls that fail fast are no load, so a zone that fails keeps them: put [Eject] round
// Zone. Inside, it goes by each of the two parts alone, and never leaves out all of one.
// [SlowStart] belongs there too: inside, who is alone in its part is not new.
//
// Without a zone, or if no instance is in it, inner chooses among all. Instances of
// no zone count as one zone more. What inner knows of an instance is lost if that
// moves from zone to zone. Zone panics if inner is nil or an option is out of range.
func Zone(local string, inner Strategy, opts ...ZoneOption) Strategy {
	z := &zone{local: local, inner: inner, headroom: 1.4, bias: 3}
	var faults []error
	if inner == nil {
		faults = append(faults, errors.New("the inner strategy is nil"))
	}
	configure("Zone", z, opts, faults)
	return z
}

// ZoneOption changes a [Zone].
type ZoneOption func(*zone) error

// ZoneHeadroom sets h, at least 1: how much more than its share a zone may be
// given. The default is 1.4, Envoy's overprovisioning factor, for sets that run at
// 70 % of what they can bear.
func ZoneHeadroom(h float64) ZoneOption {
	return func(z *zone) error {
		z.headroom = h
		if !(h >= 1) {
			return fmt.Errorf("the headroom must be at least 1, not %v", h)
		}
		return nil
	}
}

// ZoneCallers sets s, greater than 0 and at most 1: the share of the calls to this
// service that is made in the zone. By default it is 1 divided by the number of
// zones that have instances.
func ZoneCallers(share float64) ZoneOption {
	return func(z *zone) error {
		z.callers = share
		if !(share > 0 && share <= 1) {
			return fmt.Errorf("the callers' share must be above 0 and at most 1, not %v", share)
		}
		return nil
	}
}

// ZoneBias sets b, at least 1: how many times the load of an instance elsewhere one
// in the zone may have. The default is 3. math.Inf(1) leaves the load out.
func ZoneBias(b float64) ZoneOption {
	return func(z *zone) error {
		z.bias = b
		if !(b >= 1) {
			return fmt.Errorf("the bias must be at least 1, not %v", b)
		}
		return nil
	}
}

type zone struct {
	local    string
	inner    Strategy
	headroom float64
	callers  float64 // 0 stands for one zone's share
	bias     float64
	chance
}

// keep returns the probability to stay, as a threshold for 64 random bits.
func (z *zone) keep(nodes []*sd.Node) uint64 {
	zones := map[string]struct{}{}
	here, all := 0.0, 0.0
	for _, n := range nodes {
		w := weightOf(n)
		all += w
		if n.Instance().Zone == z.local {
			here += w
		}
		zones[n.Instance().Zone] = struct{}{}
	}
	callers := z.callers
	if callers == 0 {
		callers = 1 / float64(len(zones))
	}
	if p := z.headroom * here / all / callers; p < 1 {
		return uint64(math.Ldexp(p, 64))
	}
	return math.MaxUint64
}
