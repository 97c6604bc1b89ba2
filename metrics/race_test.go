//go:build race

package metrics_test

// A million of anything takes the race detector minutes.
const race = true
