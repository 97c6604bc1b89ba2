//go:build race

package grpckit_test

const raceEnabled = true
