package call

import "context"

// Injector writes what belongs to the context rather than to the call, such as the
// trace of the span that is current when the message is made. It must be safe for
// concurrent use.
type Injector interface {
	// Inject writes to the carrier of an outgoing call. It comes first, and what the
	// carrier had under the keys that it writes is lost. What is there of another one
	// and would not go with it is to be taken out, by setting it to "".
	Inject(ctx context.Context, out Carrier)
	// Replaces reports whether what the call holds under the key, in lower case, must
	// not be sent beside that, even if Inject did not write it.
	Replaces(key string) bool
}

// InjectedBy sets what writes to outgoing calls beside the call itself, in place of
// one set before. It stays in this process. Nil, the default, is none.
func InjectedBy(i Injector) Option { return func(c *Call) { c.injector = i } }

// Injector returns what writes to outgoing calls beside the call itself, or nil.
func (c *Call) Injector() Injector {
	if c == nil {
		return nil
	}
	return c.injector
}
