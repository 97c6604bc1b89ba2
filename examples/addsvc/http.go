package main

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// NewHTTPServer serves the endpoints over HTTP. secure is nil for plain text.
func NewHTTPServer(e Endpoints, secure *tls.Config) transport.Server {
	mux := http.NewServeMux()
	mux.Handle("POST /sum", httpkit.NewHandler(e.Sum, httpkit.DecodeJSON, httpkit.EncodeJSON))
	mux.Handle("POST /concat", httpkit.NewHandler(e.Concat, httpkit.DecodeJSON, httpkit.EncodeJSON))
	server := httpkit.NewServer(mux)
	if secure == nil {
		return server
	}
	server.TLSConfig = secure.Clone() // net/http adds to it
	return secureServer{server}
}

type secureServer struct{ *http.Server }

func (s secureServer) Serve(l net.Listener) error { return s.ServeTLS(l, "", "") }

// NewHTTPClient calls the live instances over HTTP. secure is nil for plain text.
func NewHTTPClient(instances sd.Instancer, secure *tls.Config) (e Endpoints, stop func() error, err error) {
	base := "http://addsvc" // the name that Service balances
	opts := []httpkit.RoundTripperOption{httpkit.Service("addsvc", instances, lb.PeakEWMA())}
	if secure != nil {
		base = "https://addsvc"
		opts = append(opts, httpkit.Base(&http.Transport{TLSClientConfig: secure}))
	}
	balanced := httpkit.NewRoundTripper(opts...)
	client, err := httpkit.NewClient(base, httpkit.HTTPClient(&http.Client{Transport: balanced}))
	if err != nil {
		return Endpoints{}, nil, err
	}
	// Nothing but the path is known of the other side, so the types are named.
	e.Sum = httpkit.NewEndpoint[SumRequest, int64](client, "POST /sum")
	e.Concat = httpkit.NewEndpoint[ConcatRequest, string](client, "POST /concat")
	return e.resilient(), balanced.Close, nil
}
