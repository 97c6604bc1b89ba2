//go:build race

package httpkit_test

const raceEnabled = true
