//go:build race

package log_test

// underRace is set when sync.Pool drops what it is given, on purpose.
const underRace = true
