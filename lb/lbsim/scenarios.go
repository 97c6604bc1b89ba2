package lbsim

import (
	"fmt"
	"time"
)

// Scenarios returns the scenarios that the strategies of package lb are judged by,
// as new values that the caller may change.
//
// The parameters of the published ones are the publications'. The others have
// Exponential service times of 20 ms on average, the worst that is usual; servers
// of 8 workers or, where there are many servers, 4; and 0.5 ms of network, a round
// trip within a data centre (Dean, "Numbers Everyone Should Know", 2009).
func Scenarios() []Scenario {
	return []Scenario{
		linkerd(), finagle(), pauses(), capacity(false), capacity(true),
		rolling(), hung(), overload(), bounded(), adapted(), failing(),
	}
}

// recorded is the distribution of latencies that the first two scenarios replay:
// "a median of 167ms, a standard deviation of 5ms, and no significant peaks".
var recorded = LogNormal{Median: 167 * time.Millisecond, Sigma: 5.0 / 167}

// mean is the service time of the scenarios that are our own.
const (
	mean    = Exponential(20 * time.Millisecond)
	network = 500 * time.Microsecond
)

// servers returns n servers like s.
func servers(n int, s Server) []Server {
	out := make([]Server, n)
	for i := range out {
		out[i] = s
		out[i].ID = fmt.Sprintf("s%03d", i)
	}
	return out
}

// steady is a load that does not change.
func steady(rate float64) []Step { return []Step{{Rate: rate}} }

func linkerd() Scenario {
	s := Scenario{
		Name: "a-linkerd", Title: "1 of 11 servers takes 2 s per call for 30 s of a minute",
		Source: `Jenson and Oanta, "Beyond Round Robin: Load Balancing for Latency", linkerd.io, 2016-03-16: ` +
			`11 servers, 1 client, 1,000 calls/s, 1 min, 2 s latency from 15 s to 45 s. The timeout of 1 s, by which ` +
			`the article converts latency into success, is a real one here`,
		Gap: "What is lost is what was sent to the slow server before any call had told that it is slow, and one that looked\n" +
			"again.",
		Servers:  servers(11, Server{Service: recorded}),
		Load:     steady(1000),
		Duration: time.Minute,
		Timeout:  time.Second,
	}
	s.Servers[5].Troubles = []Trouble{{
		Kind: Slow, From: 15 * time.Second, For: 30 * time.Second, Service: Constant(2 * time.Second),
	}}
	return s
}

func finagle() Scenario {
	s := Scenario{
		Name: "b-finagle", Title: "10 good servers, and one each cold, slow, failing for 15 s, failing for good",
		Source: `Finagle, finagle-benchmark, balancersim/Simulation.scala, 2020: 10 stable servers and 4 others, 1 client, ` +
			`1,250 calls/s, 45 s; the same recorded latencies as in the linkerd experiment. Ours: a timeout of 1 s, and ` +
			`that failures take as long as answers`,
		Gap: "The slow and the cold one are known after one answer; what is lost, 1 call in 800 and so in p99.9, is what " +
			"it takes to\nsee that one fails: calls that were on their way, and probes.",
		Servers:  servers(14, Server{Service: recorded}),
		Load:     steady(1250),
		Duration: 45 * time.Second,
		Timeout:  time.Second,
	}
	s.Servers[10].Troubles = []Trouble{
		{Kind: Warmup, For: 10 * time.Second, Factor: 5},
		{Kind: Slow, From: 19 * time.Second, For: 4 * time.Second, Factor: 10},
	}
	s.Servers[11].Troubles = []Trouble{{Kind: Slow, From: 15 * time.Second, For: 30 * time.Second, Factor: 10}}
	s.Servers[12].Troubles = []Trouble{{Kind: Fail, From: 10 * time.Second, For: 15 * time.Second}}
	s.Servers[13].Troubles = []Trouble{{Kind: Fail, From: 10 * time.Second}}
	return s
}

func pauses() Scenario {
	s := Scenario{
		Name: "c-gc", Title: "10 of 100 servers pause for 500 ms every 10 s, at half load",
		Source: `Pauses for the collection of garbage as in Dean and Barroso, "The Tail at Scale", CACM 56(2), 2013, ` +
			`and Terei and Levy, "Blade: A Data Center Garbage Collector", 2015; 10 clients, half of the capacity`,
		Gap: "The work alone has a p99 of 92.6 ms, the network included. The bound knows each pause beforehand and sends " +
			"nothing\nthat it would meet; all others learn of it from the calls that wait.",
		Servers:  servers(100, Server{Service: mean, Concurrency: 4}),
		Clients:  10,
		Load:     steady(10_000),
		Duration: 20 * time.Second,
		Timeout:  time.Second,
		Network:  network,
	}
	for i := range 10 {
		s.Servers[10*i].Troubles = []Trouble{{
			Kind: Pause, From: time.Duration(i) * time.Second, For: 500 * time.Millisecond, Every: 10 * time.Second,
		}}
	}
	return s
}

func capacity(told bool) Scenario {
	s := Scenario{
		Name: "d-capacity", Title: "9 servers as fast as 1:2:4, weights not told, at 70 % load",
		Source: `Machines of several generations as in Google, "Site Reliability Engineering", chapter 20, 2016; ` +
			`4 clients, 70 % of the capacity`,
		Gap: "The bound knows how much work a call is, and sends the large ones to the fast servers. Calls that are spread " +
			"by speed\nwithout that have a p99 of 56.0 ms even if none ever waits; less is to prefer the fast while they are idle.",
		Servers:  servers(9, Server{Service: mean, Concurrency: 8}),
		Clients:  4,
		Load:     steady(0.7 * 21 * 8 * 50),
		Duration: 20 * time.Second,
		Timeout:  time.Second,
		Network:  network,
	}
	if told {
		s.Name, s.Title = "d-weights", "9 servers as fast as 1:2:4, weights told, at 70 % load"
	}
	for i := range s.Servers {
		speed := 1 << (i % 3)
		s.Servers[i].Speed = float64(speed)
		if told {
			s.Servers[i].Weight = speed
		}
	}
	return s
}

func rolling() Scenario {
	s := Scenario{
		Name: "e-restart", Title: "10 servers restart one by one, cold, at 80 % load",
		Source: `A rolling update of at most one unavailable (Kubernetes, Deployments, 2016): each server leaves, and after 2 s ` +
			`its successor joins at a new address and is 5 to 1 times slower for 2 s, the warm-up of Finagle's simulation ` +
			`at a fifth of its length; 4 clients, 80 % of the capacity`,
		Gap: "The work alone has a p99 of 92.6 ms, the network included. The bound gives a cold server small calls only; " +
			"without\nthat it takes some of all, five times slower.",
		Servers:  servers(10, Server{Service: mean, Concurrency: 8}),
		Clients:  4,
		Load:     steady(0.8 * 10 * 8 * 50),
		Duration: 45 * time.Second,
		Timeout:  time.Second,
		Network:  network,
	}
	for i := range 10 {
		old := &s.Servers[i]
		old.Leaves = time.Duration(2+4*i) * time.Second
		next := *old
		next.ID += "-next"
		next.Joins, next.Leaves = old.Leaves+2*time.Second, 0
		next.Troubles = []Trouble{{Kind: Warmup, From: next.Joins, For: 2 * time.Second, Factor: 5}}
		s.Servers = append(s.Servers, next)
	}
	return s
}

const gapOfFaults = "The work alone has a p99 of 92.6 ms, the network included. The rest is calls that were on their way."

func hung() Scenario {
	s := Scenario{
		Name: "f-hung", Title: "1 of 10 servers stops answering, at half load",
		Source: `A "gray failure": Huang et al., "Gray Failure: The Achilles' Heel of Cloud-Scale Systems", HotOS 2017; ` +
			`from 5 s on every call hangs; 4 clients, half of the capacity`,
		Gap:      gapOfFaults,
		Servers:  servers(10, Server{Service: mean, Concurrency: 8}),
		Clients:  4,
		Load:     steady(0.5 * 10 * 8 * 50),
		Duration: 30 * time.Second,
		Timeout:  time.Second,
		Network:  network,
	}
	s.Servers[5].Troubles = []Trouble{{Kind: Hang, From: 5 * time.Second}}
	return s
}

func failing() Scenario {
	s := hung()
	s.Name, s.Title = "h-failing", "1 of 10 servers fails every call in 1 ms, at half load"
	s.Source = `The sinkhole of Google, "Site Reliability Engineering", chapter 20, 2016: errors make a server look ` +
		`fast and idle; from 5 s on every call fails; 4 clients, half of the capacity`
	s.Servers[5].Troubles = []Trouble{{Kind: Fail, From: 5 * time.Second, Service: Constant(time.Millisecond)}}
	return s
}

// overload has servers that work on what nobody waits for any longer, which is why
// goodput collapses if their queues have no bound.
func overload() Scenario {
	return Scenario{
		Name: "g-overload", Title: "150 % of capacity for 10 s, then 60 %, queues without bound",
		Source: `Google, "Site Reliability Engineering", chapter 22 (cascading failures), 2016; Maurer, "Fail at Scale", ` +
			`ACM Queue 13(8), 2015; 4 clients`,
		Gap:      "The bound refuses the large calls. By number of calls, 81.5 % is what the servers can do.",
		Servers:  servers(10, Server{Service: mean, Concurrency: 8}),
		Clients:  4,
		Load:     []Step{{0, 0.6 * 4000}, {5 * time.Second, 1.5 * 4000}, {15 * time.Second, 0.6 * 4000}},
		Duration: 30 * time.Second,
		Timeout:  500 * time.Millisecond,
		Network:  network,
	}
}

// bounded is what a bound can do that somebody knew beforehand.
func bounded() Scenario {
	s := overload()
	s.Gap = "Whoever balances, a queue of 16 in 20 ms per 8 calls is never too long for the timeout."
	s.Name, s.Title = "g-bounded", "the same, at most 16 waiting at each server"
	for i := range s.Servers {
		s.Servers[i].Queue = 16
	}
	return s
}

// adapted is what the adaptive limit does, which is told nothing.
func adapted() Scenario {
	s := overload()
	s.Gap = "The limit costs 1 % of the goodput beside a bound that knows the capacity: what it refuses while it finds\n" +
		"its value, at the start and after each step."
	s.Name, s.Title = "g-adaptive", "the same, queues without bound behind the adaptive limit"
	for i := range s.Servers {
		s.Servers[i].Limit = Adaptive
	}
	return s
}
