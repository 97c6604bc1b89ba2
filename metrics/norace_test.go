//go:build !race

package metrics_test

const race = false
