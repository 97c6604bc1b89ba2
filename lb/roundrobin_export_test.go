package lb

// Remainder returns what a cycle of n takes for k mod n.
func Remainder(k uint32, n int) int { return newCycle(n).index(k) }
