package lb

import "context"

// counted is the context of a call that has deposited into a budget.
type counted struct {
	context.Context
	budget *Budget
}

type countedKey struct{ *Budget }

func (c *counted) Value(key any) any {
	if key == (countedKey{c.budget}) {
		return c.budget
	}
	return c.Context.Value(key)
}

// count deposits for the call of ctx, unless a Retry or Hedge round this one has,
// and returns the context to go on with. To remember it costs an allocation, so that
// is done only if a Hedge was given this budget.
func (b *Budget) count(ctx context.Context) context.Context {
	if !b.hedged.Load() {
		b.deposit()
		return ctx
	}
	if ctx.Value(countedKey{b}) != nil {
		return ctx
	}
	b.deposit()
	return &counted{ctx, b}
}
