//go:build gc && !purego && (amd64 || arm64)

package lb

// prefetch lets the processor fetch the nodes of two places, to write to them, and their
// cells, to read them, while it goes on. To load a word of each is no substitute: the
// clock is not read before all that was loaded has arrived, but it does not wait for
// what was only asked for.
//
//go:noescape
func prefetch(one, other *ewmaPlace)
