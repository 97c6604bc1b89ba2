//go:build race

package lb_test

// A million of anything takes the race detector minutes.
const ejectUnderRace = true
