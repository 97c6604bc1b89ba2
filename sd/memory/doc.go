// Package memory is a registry inside the process: for services that live in one
// binary, and the double of a real registry in tests.
//
//	registry := memory.NewRegistry()
//	registration, err := registry.Registrar("stringsvc").Register(ctx, sd.Instance{Addr: "127.0.0.1:8080"})
//	…
//	for set, err := range registry.Instancer("stringsvc").Watch(ctx) { … }
//
// It keeps the promises of [sd.Instancer] and [sd.Registrar], leases included. A
// test makes it fail like a real one, see [Registry.Faults], and cuts a client off
// from it, see [Registry.Client].
package memory
