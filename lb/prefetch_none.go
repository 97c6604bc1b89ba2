//go:build !gc || purego || !(amd64 || arm64)

package lb

// prefetch does nothing where no instruction for it is known.
func prefetch(_, _ *ewmaPlace) {}
