// Package httpkit serves and calls endpoints over HTTP, with net/http's own
// handlers, muxes, servers and clients.
//
//	func uppercase(_ context.Context, text string) (string, error) {
//		return strings.ToUpper(text), nil
//	}
//
//	func main() {
//		logged := log.Calls(uppercase, log.New(), "uppercase") // dowel/log
//		http.Handle("POST /uppercase", httpkit.NewHandler(logged, httpkit.DecodeJSON, httpkit.EncodeJSON))
//		fmt.Println(http.ListenAndServe("localhost:8080", nil))
//	}
//
// The other side calls it, at one URL or at whatever instance is live:
//
//	client, err := httpkit.NewClient("http://10.0.0.1:8080")
//	uppercase := httpkit.NewEndpoint[string, string](client, "POST /uppercase")
//	text, err := uppercase(ctx, "hello")
//
// [NewServer] is an http.Server with its timeouts set. [NewRoundTripper] lets any
// http.Client find and balance a service by its name: "http://stringsvc/uppercase".
//
// A field of a request struct, or of a struct that it embeds by value, says with
// a tag where it stands. Both sides read the same tags:
//
//	ID     int      `path:"id"`         // wildcard {id} of the mux's pattern
//	Limit  *int     `query:"limit"`     // absent is nil, or the zero value
//	Tags   []string `query:"tag"`       // one for each time it is given
//	Tenant string   `header:"X-Tenant"` // a slice is one line for each element
//	Name   string   `json:"name"`       // the others are the JSON body
//
// A tag holds a name and nothing else. Such a field is a string, a bool, a
// number, a [time.Duration] or a type that is both an [encoding.TextMarshaler]
// and an [encoding.TextUnmarshaler], or a pointer to one; outside the path also a
// slice. No body can set it. In query and headers its zero value is not sent.
//
// An error is answered with the status of its [endpoint.Code] and a [Problem],
// and becomes the same [*endpoint.Error] on the other side. Its cause stays here:
// log.Calls writes it down.
package httpkit
