//go:build !race

package lb_test

const ejectUnderRace = false
