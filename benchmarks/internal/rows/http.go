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

// What several groups are compared with.
const (
	byHand     = "plain net/http"
	withTravel = "plain net/http, deadline and ID travel"
)

// HTTPs compares servers behind one plain client, clients before one plain server,
// and both ends together.
func HTTPs() []measure.Group {
	return []measure.Group{
		httpGroup("HTTP server", "A server of httpkit gives each request an ID and sends it back; beside net/http by hand that "+
			"does it too, one sees how much of the difference that is. ", byHand,
			contest("httpkit", HTTPKitServer(), PlainClient),
			contest(byHand, PlainServer(), PlainClient),
			contest(withTravel, TravelServer(), PlainClient),
			contest("Go kit", KitServer(), PlainClient)),
		httpGroup("HTTP client", "", byHand,
			contest("httpkit", PlainServer(), HTTPKitClient),
			contest(byHand, PlainServer(), PlainClient),
			contest("Go kit", PlainServer(), asTyped(KitClient))),
		httpGroup("HTTP, both ends", "Between two ends of httpkit the deadline and the request ID travel too: the budget is "+
			"beside net/http by hand where they do. ", withTravel,
			contest("httpkit", HTTPKitServer(), HTTPKitClient),
			contest(withTravel, TravelServer(), TravelClient),
			contest(byHand, PlainServer(), PlainClient),
			contest("Go kit", KitServer(), asTyped(KitClient))),
	}
}

// httpGroup sets the first contestant beside each of the others, with a budget
// beside one of them.
func httpGroup(name, note, budgeted string, all ...measure.Contestant) measure.Group {
	g := measure.Group{
		Name: name, Contestants: all, Stretch: 5,
		// The median of thirty ratios is off by some 0.02, as much as the budget leaves.
		// That of four times as many is off by half of it.
		Repeat: 4,
		Note: "Plain net/http by hand does the same JSON with the same limits: bounded bodies, a checked " +
			"Content-Type, nothing after the value, no answer before all of it is encoded, timeouts. Go kit's transport " +
			"is used as its documentation shows, without limits. " + note +
			"Requests over loopback on four connections that are kept alive; the time is wall time over all of them.",
	}
	for _, peer := range all[1:] {
		row := measure.Row{What: "a request, httpkit", Ours: all[0].Name, Peer: peer.Name}
		if peer.Name == budgeted {
			row.Budget.Ratio = 1 / 0.95 // 0.95 of the requests per second
		}
		g.Rows = append(g.Rows, row)
	}
	return g
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
