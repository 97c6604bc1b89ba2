package lb

// Remainder returns what a cycle of n takes for k mod n.
func Remainder(k uint32, n int) int { return newCycle(n).index(k) }

// Laps puts every turn of a picker of RoundRobin at k.
func Laps(p Picker, k uint32) {
	switch p := p.(type) {
	case *roundRobinPicker:
		p.turn.Store(k)
	case *lanePicker:
		for _, t := range p.turns {
			t.Store(k)
		}
	}
}
