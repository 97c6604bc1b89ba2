// Package endpoint holds the type everything else in Dowel is made of: a typed
// function that takes a request and gives a response or an error.
//
//	func (Service) Greet(ctx context.Context, name string) (string, error) { … }
//
//	greet := endpoint.Timeout(svc.Greet, time.Second) // types are inferred
//	greet = endpoint.Recover(greet)                   // the last one applied is outermost
//	answer, err := greet(ctx, "gopher")
//
// Beside it are the error model ([Error], [Code], [CodeOf]) and the answers to
// the two questions every resilience pattern asks: may this be tried again
// ([IsNotProcessed]), and is this the instance's fault ([Fault])?
//
// The package imports nothing but the standard library.
package endpoint
