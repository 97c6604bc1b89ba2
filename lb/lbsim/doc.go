// Package lbsim compares balancing strategies in simulated fleets: servers with
// queues, pauses, slow starts and failures, and clients that send at a rate.
//
//	rows, err := lbsim.Compare(ctx, lbsim.Scenarios(), []lbsim.Contestant{
//		{Name: "round robin", Strategy: lb.RoundRobin()},
//		{Name: "mine", Strategy: mine},
//		{Name: "omniscient", Strategy: lbsim.Omniscient()},
//	}, 10)
//	lbsim.WriteTable(os.Stdout, rows)
//
// It drives real strategies, through the calls that a balancer makes, in virtual
// time: a minute of traffic takes milliseconds. A [Scenario] is data, and every
// strategy meets the same arrivals and the same sizes of calls. A run is determined by
// its seed, to the bit, since the strategy draws from it too: see lb.Seeded, and
// lb.Seedable for a strategy of your own that draws.
package lbsim
