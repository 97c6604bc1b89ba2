package call_test

import (
	"maps"
	"net/http"
	"slices"

	"github.com/dowelkit/dowel/call"
)

// header makes a carrier of HTTP headers, as a transport does.
type header http.Header

func (h header) Get(key string) string { return http.Header(h).Get(key) }
func (h header) Set(key, value string) { http.Header(h).Set(key, value) }
func (h header) Keys() []string        { return slices.Collect(maps.Keys(h)) }

// textMapCarrier has the method set of OpenTelemetry's TextMapCarrier.
type textMapCarrier interface {
	Get(key string) string
	Set(key string, value string)
	Keys() []string
}

// Each fits where the other is asked for.
var (
	_ call.Carrier   = header{}
	_ call.Carrier   = textMapCarrier(nil)
	_ textMapCarrier = call.Carrier(nil)
)
