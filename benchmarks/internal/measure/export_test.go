package measure

// The arithmetic, for the tests.
var (
	Quantile = quantile
	RatioOf  = ratio
)
