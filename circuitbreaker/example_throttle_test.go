package circuitbreaker_test

import (
	"errors"
	"fmt"

	"github.com/dowelkit/dowel/circuitbreaker"
)

func ExampleThrottle() {
	throttler := circuitbreaker.NewThrottler("10.0.0.7:8080")
	uppercase := circuitbreaker.Throttle(instance.Uppercase, throttler)
	for range 10 {
		_, _ = uppercase(ctx, "one")
	}
	fmt.Printf("%+v, refuses %.0f%%\n", throttler.Counts(), 100*throttler.Probability())
	// Output:
	// {Requests:10 Accepts:10}, refuses 0%
}

// The source of random numbers decides, for tests.
func ExampleNewThrottler() {
	throttler := circuitbreaker.NewThrottler("10.0.0.7:8080",
		circuitbreaker.ThrottleGrace(0), // the formula of the book
		circuitbreaker.ThrottleRandom(func() float64 { return 0.7 }),
	)
	uppercase := circuitbreaker.Throttle(instance.Uppercase, throttler)
	for range 5 {
		p := throttler.Probability()
		_, err := uppercase(ctx, "") // Internal
		fmt.Printf("%.2f refused %t\n", p, errors.Is(err, circuitbreaker.ErrOpen))
	}
	// Output:
	// 0.00 refused false
	// 0.50 refused false
	// 0.67 refused false
	// 0.75 refused true
	// 0.80 refused true
}

// An operator takes an instance out, whatever the circuit thinks of it.
func ExampleCircuit_Force() {
	breaker := circuitbreaker.New("10.0.0.7:8080")
	uppercase := circuitbreaker.Break(instance.Uppercase, breaker)

	breaker.Force(circuitbreaker.ForceOpen)
	_, err := uppercase(ctx, "one")
	fmt.Println(breaker.State(), errors.Is(err, circuitbreaker.ErrOpen))

	breaker.Force(circuitbreaker.Automatic)
	answer, _ := uppercase(ctx, "one")
	fmt.Println(breaker.State(), answer)
	// Output:
	// forced_open true
	// closed ONE
}
