//go:build !race

package grpckit_test

const raceEnabled = false
