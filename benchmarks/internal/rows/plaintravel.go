package rows

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// What httpkit sends from end to end beside the JSON, in plain net/http by hand.
const (
	timeoutHeader = "X-Request-Timeout-Ms"
	requestID     = "X-Request-Id"
)

// TravelServer is a PlainServer that heeds the client's deadline, and gives each
// request an ID that the answer names.
func TravelServer() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, id := r.Context(), r.Header.Get(requestID)
		if id == "" {
			id = rand.Text()
		}
		w.Header().Set(requestID, id)
		if text := r.Header.Get(timeoutHeader); text != "" {
			ms, err := strconv.ParseInt(text, 10, 64)
			if err != nil || ms < 0 {
				http.Error(w, "the timeout is malformed", http.StatusBadRequest)
				return
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
			defer cancel()
		}
		plainGreet(w, r.WithContext(context.WithValue(ctx, idKey{}, id)))
	})
}

// idKey is of the request ID in a context, for whoever logs.
type idKey struct{}

// TravelClient is a PlainClient that tells the server its deadline.
func TravelClient(url string) (endpoint.Endpoint[Message, Message], func(), error) {
	c := newHTTPClient()
	url += path
	return func(ctx context.Context, m Message) (Message, error) {
		return plainCall(ctx, c, url, m, true)
	}, c.CloseIdleConnections, nil
}

func setTimeout(ctx context.Context, h http.Header) {
	if deadline, ok := ctx.Deadline(); ok {
		h.Set(timeoutHeader, strconv.FormatInt(time.Until(deadline).Milliseconds(), 10))
	}
}
