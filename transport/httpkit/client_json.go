package httpkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
)

// SetBody sets the body of a request, its Content-Type if contentType is not
// empty, its length, and GetBody, which lets a transport send it again on another
// connection. r owns body from then on.
func SetBody(r *http.Request, contentType string, body []byte) {
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) {
		if len(body) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	r.Body, _ = r.GetBody()
}

// EncodeJSONRequest puts the fields of req that are not bound to path, query or
// header into a JSON body. Pass it to [NewCodecEndpoint] as it is.
func EncodeJSONRequest[Req any](r *http.Request, req Req) error {
	p, err := planOf(reflect.TypeFor[Req]())
	if err != nil {
		return err
	}
	out, err := p.split(&req)
	if err != nil {
		return err
	}
	return p.writeJSON(r, out.body)
}

// DecodeJSONResponse reads an answer of 2xx as JSON. One of 204 or 205, or to
// HEAD, gives the zero Resp. Pass it to [NewCodecEndpoint] as it is.
func DecodeJSONResponse[Resp any](resp *http.Response) (Resp, error) {
	var v Resp
	err := readJSON(resp, &v, isNothing(reflect.TypeFor[Resp]()))
	return v, err
}

func (m *method) encodeJSON(r *http.Request, body any) error { return m.plan.writeJSON(r, body) }

func (p *plan) writeJSON(r *http.Request, body any) error {
	if r.Header.Get("Accept") == "" {
		r.Header["Accept"] = acceptJSON
	}
	if !p.hasBody() {
		return nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("the request cannot be encoded: %w", err)
	}
	SetBody(r, "application/json", data)
	return nil
}

// acceptJSON is shared by all requests. Nothing writes into a header's values.
var acceptJSON = []string{"application/json, " + problemType}

// isNothing reports whether a response type has no fields, so that an empty body
// is all that can be expected of the server.
func isNothing(t reflect.Type) bool { return t.Kind() == reflect.Struct && t.NumField() == 0 }

// readJSON decodes into ptr, a *Resp.
func readJSON(resp *http.Response, ptr any, nothing bool) error {
	switch {
	case resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusResetContent,
		resp.Request != nil && resp.Request.Method == http.MethodHead:
		return nil
	}
	buf := getBuffer()
	defer putBuffer(buf)
	buf.Grow(int(min(max(resp.ContentLength, 0), maxPooled/2)) + bytes.MinRead)
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		return err
	}
	data := bytes.Trim(buf.Bytes(), jsonSpace)
	if len(data) == 0 {
		if nothing {
			return nil
		}
		return errors.New("the body is empty where a JSON value is needed")
	}
	if err := json.Unmarshal(data, ptr); err != nil {
		return fmt.Errorf("the body is not the JSON that is needed: %w: %s of %d bytes: %q", err,
			quoteType(resp.Header), len(data), data[:min(len(data), maxForeign)])
	}
	return nil
}

func quoteType(h http.Header) string {
	if t := h.Get("Content-Type"); t != "" {
		return quote(t)
	}
	return "no Content-Type"
}
