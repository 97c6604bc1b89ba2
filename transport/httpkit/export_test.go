package httpkit

import (
	"net/http"
	"net/url"
	"reflect"

	"github.com/dowelkit/dowel/endpoint"
)

var (
	StatusOfCode = statusOf
	CodeOfStatus = codeOf
	ReadProblem  = readProblem
	Reported     = reported
)

type HeaderCarrier = headerCarrier

// Outgoing is a request taken apart.
type Outgoing struct {
	Path    map[string]string
	Query   url.Values
	Header  http.Header
	Body    any
	HasBody bool
}

func Split[Req any](req Req) (Outgoing, error) {
	p, err := planOf(reflect.TypeFor[Req]())
	if err != nil {
		return Outgoing{}, err
	}
	out, err := p.split(&req)
	return Outgoing{out.path, out.query, out.header, out.body, p.hasBody()}, err
}

func Bind[Req any](r *http.Request, req *Req, strict bool) error {
	p, err := planOf(reflect.TypeFor[Req]())
	if err != nil {
		return err
	}
	return p.bind(r, req, strict)
}

func WriteProblem(w http.ResponseWriter, err error) error { return NewProblem(err).write(w) }

func Neutral(c endpoint.Code) string { return endpoint.Public(&endpoint.Error{Code: c}).Message }
