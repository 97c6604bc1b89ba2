package rows

// What the tests look into.
var (
	Parallel  = parallel
	Surviving = surviving
	Picking   = picks
	KitPicks  = kitPicks
	Calls     = calls
	KitCalls  = kitCalls
	Addrs     = addrs
	AsTyped   = asTyped
	See       = see
)
