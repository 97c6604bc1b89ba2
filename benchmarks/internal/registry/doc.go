// Package registry measures what it costs to watch a service of many instances in
// a registry, beside Go kit: the first set and one change, in time, requests and
// bytes. Real servers run for it, behind a proxy that counts. Its tests print the
// figures and hold the bytes to what they should be; time is never a test. Table is
// what "make bench" shows.
//
//	GOWORK=off go test -v ./internal/registry
package registry
