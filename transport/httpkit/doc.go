// Package httpkit serves and calls endpoints over HTTP, with net/http's own
// handlers, muxes, servers and clients.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/http"
//		"strings"
//
//		"github.com/dowelkit/dowel/transport/httpkit"
//	)
//
//	type Request struct {
//		Text string `json:"text"`
//	}
//
//	func uppercase(_ context.Context, r Request) (string, error) {
//		return strings.ToUpper(r.Text), nil
//	}
//
//	func main() {
//		http.Handle("POST /uppercase", httpkit.NewHandler(uppercase, httpkit.DecodeJSON, httpkit.EncodeJSON))
//		log.Fatal(http.ListenAndServe("localhost:8080", nil))
//	}
//
// # Requests
//
// A field of a request struct, or of a struct that it embeds by value, says with
// a tag where it stands. Fields without one are the JSON body, named as
// encoding/json names them; no body can set a field that has a tag. Both sides
// read the same tags.
//
//	ID     int      `path:"id"`         // wildcard {id} of the mux's pattern
//	Limit  *int     `query:"limit"`     // absent is nil, or the zero value
//	Tags   []string `query:"tag"`       // one for each time it is given
//	Tenant string   `header:"X-Tenant"` // one line for each element of a slice
//
// A tag holds a name and nothing else. Such a field is a string, a bool, a
// number, a [time.Duration] or a type that is both an [encoding.TextMarshaler]
// and an [encoding.TextUnmarshaler]; in query and header also a pointer to one or
// a slice of them, in the path a pointer. A value that does not fit, or is given
// twice where one is wanted, is the caller's error. A zero value is not sent.
//
// # Errors
//
// An error is answered with the status of its [endpoint.Code] and a [Problem],
// and becomes the same [*endpoint.Error] on the other side. Its cause is never
// sent.
package httpkit
