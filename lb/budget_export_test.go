package lb

// SplitBudget returns a budget that no call fills, with so many thousandths of a token of
// each kind: those that expire soon, those that expire later, and the others.
func SplitBudget(stale, fresh, kept int64) *Budget {
	b := NewBudget(BudgetBurst(1000), BudgetRate(0), BudgetRatio(0))
	b.pool.stale.Store(stale)
	b.pool.fresh.Store(fresh)
	b.tokens.Store(kept)
	return b
}

// Withdraw takes a token of the budget, if there is one.
func Withdraw(b *Budget) bool { return b.withdraw() }
