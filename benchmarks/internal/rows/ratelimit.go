package rows

import (
	kitlimit "github.com/go-kit/kit/ratelimit"
	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/ratelimit"
)

// Limits compares rate limits that let every call through.
func Limits() measure.Group {
	return measure.Group{
		Name: "Rate limit",
		Note: "A call that the limit lets through: for information. All use the limiter of golang.org/x/time/rate, " +
			"and most of the time is its.",
		Contestants: []measure.Contestant{
			{Name: "dowel, Limit", Open: plainly(calls(ratelimit.Limit(Greet, generous())))},
			{Name: "Go kit, erroring", Open: plainly(kitCalls(kitlimit.NewErroringLimiter(generous())(KitGreet)))},
			{Name: "dowel, Wait", Open: plainly(calls(ratelimit.Wait(Greet, generous())))},
			{Name: "Go kit, delaying", Open: plainly(kitCalls(kitlimit.NewDelayingLimiter(generous())(KitGreet)))},
		},
		Rows: []measure.Row{
			{What: "refusing", Ours: "dowel, Limit", Peer: "Go kit, erroring"},
			{What: "delaying", Ours: "dowel, Wait", Peer: "Go kit, delaying"},
		},
	}
}

// generous returns a limiter that counts and never refuses.
func generous() *rate.Limiter { return rate.NewLimiter(1e9, 1<<30) }
