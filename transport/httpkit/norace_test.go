//go:build !race

package httpkit_test

const raceEnabled = false
