package rows

import (
	"context"
	"net/http"
	"net/http/httptest"

	kit "github.com/go-kit/kit/endpoint"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

const (
	maxBody     = 1 << 20 // bytes, of requests and of responses
	connections = 4
	path        = "/greet"
)

// HTTPs compares servers behind one plain client, clients before one plain server,
// and both ends together.
func HTTPs() []measure.Group {
	// 0.95 of the requests per second is 1/0.95 of the time.
	budget := measure.Budget{Ratio: 1 / 0.95}
	const request = "a request, httpkit"
	group := func(name, note string, ours, plain, theirs measure.Contestant) measure.Group {
		return measure.Group{
			Name: name, Note: note, Stretch: 5,
			Contestants: []measure.Contestant{ours, plain, theirs},
			Rows: []measure.Row{
				{What: request, Ours: ours.Name, Peer: plain.Name, Budget: budget},
				{What: request, Ours: ours.Name, Peer: theirs.Name},
			},
		}
	}
	const limits = "Plain net/http by hand does the same JSON with the same limits: bounded bodies, a checked " +
		"Content-Type, nothing after the value, no answer before all of it is encoded, timeouts. Go kit's transport " +
		"is used as its documentation shows, without limits. "
	const wire = "Requests over loopback on four connections that are kept alive; the time is wall time over all of them."
	return []measure.Group{
		group("HTTP server", limits+wire,
			contest("httpkit", HTTPKitServer(), PlainClient),
			contest("plain net/http", PlainServer(), PlainClient),
			contest("Go kit", KitServer(), PlainClient)),
		group("HTTP client", limits+wire,
			contest("httpkit", PlainServer(), HTTPKitClient),
			contest("plain net/http", PlainServer(), PlainClient),
			contest("Go kit", PlainServer(), asTyped(KitClient))),
		{
			Name: "HTTP, both ends", Stretch: 5,
			Note: limits + "Between two ends of httpkit the deadline and the request ID travel too: the budget is beside " +
				"net/http by hand where they do. " + wire,
			Contestants: []measure.Contestant{
				contest("httpkit", HTTPKitServer(), HTTPKitClient),
				contest("plain net/http, deadline and ID travel", TravelServer(), TravelClient),
				contest("plain net/http", PlainServer(), PlainClient),
				contest("Go kit", KitServer(), asTyped(KitClient)),
			},
			Rows: []measure.Row{
				{What: request, Ours: "httpkit", Peer: "plain net/http, deadline and ID travel", Budget: budget},
				{What: request, Ours: "httpkit", Peer: "plain net/http"},
				{What: request, Ours: "httpkit", Peer: "Go kit"},
			},
		},
	}
}

// Dialer makes a client of the server at a URL, and what closes it.
type Dialer func(url string) (endpoint.Endpoint[Message, Message], func(), error)

func contest(name string, h http.Handler, dial Dialer) measure.Contestant {
	return measure.Contestant{Name: name, Open: func() (measure.Loop, func(), error) {
		url, stop := Serve(h)
		e, hangUp, err := dial(url)
		if err != nil {
			stop()
			return nil, nil, err
		}
		return parallel(connections, calls(e)), func() { hangUp(); stop() }, nil
	}}
}

// Serve serves h on loopback with the timeouts that httpkit sets. The method and
// the path are the mux's, for all servers alike.
func Serve(h http.Handler) (url string, stop func()) {
	mux := http.NewServeMux()
	mux.Handle("POST "+path, h)
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpkit.NewServer(mux)
	server.Start()
	return server.URL, server.Close
}

// HTTPKitServer is [Greet] by httpkit.
func HTTPKitServer() http.Handler {
	return httpkit.NewHandler(Greet, httpkit.DecodeJSON, httpkit.EncodeJSON)
}

// HTTPKitClient calls by httpkit.
func HTTPKitClient(url string) (endpoint.Endpoint[Message, Message], func(), error) {
	c, err := httpkit.NewClient(url)
	if err != nil {
		return nil, nil, err
	}
	return httpkit.NewEndpoint[Message, Message](c, "POST "+path), func() { _ = c.Close() }, nil
}

// asTyped lets Go kit's client answer the same loop as the others.
func asTyped(dial func(url string) (kit.Endpoint, func(), error)) Dialer {
	return func(url string) (endpoint.Endpoint[Message, Message], func(), error) {
		e, hangUp, err := dial(url)
		return func(ctx context.Context, m Message) (Message, error) {
			resp, err := e(ctx, m)
			if err != nil {
				return Message{}, err
			}
			answer, ok := resp.(Message)
			if !ok {
				return Message{}, errAnswer
			}
			return answer, nil
		}, hangUp, err
	}
}
