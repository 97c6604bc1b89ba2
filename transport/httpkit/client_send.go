package httpkit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
)

// blank returns the request that all others of the method are copies of. It is
// never sent itself, and has no body. Nor has it a GetBody: a codec that puts a stream
// in would leave that behind, and net/http would send an empty body when it repeats.
func (m *method) blank() *http.Request {
	return &http.Request{
		Method: m.route.method, Host: m.client.base.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody,
	}
}

// newRequest returns a request to the base URL, of which a hook may change all.
func (x *exchanged) newRequest(ctx context.Context) *http.Request {
	r := x.blankRequest.WithContext(ctx)
	x.url = *x.client.base
	r.URL = &x.url
	r.Header = make(http.Header)
	return r
}

var errOtherBody = errors.New("the request was given a body without GetBody, and cannot be sent again")

// noBody is what hooks find as GetBody of a request without a body.
func (x *exchanged) noBody() (io.ReadCloser, error) {
	if x.request != nil && x.request.Body != nil && x.request.Body != http.NoBody {
		return nil, errOtherBody
	}
	return http.NoBody, nil
}

// send goes through the user's http.Client, or straight to the client's own
// transport. What an http.Client would add to that are redirects and cookies, which
// nobody wants here, at the price of a copy of the headers; and the rest of this
// file.
func (m *method) send(r *http.Request) (*http.Response, error) {
	if m.http != nil {
		return m.http.Do(r)
	}
	resp, err := m.client.owned.RoundTrip(completed(r))
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(e.RecordHeader[:]) == "HTTP/" {
		err = http.ErrSchemeMismatch
	}
	return resp, err
}

// completed adds user and password of the URL, unless a hook has put something
// else there, and headers where a hook has left none. It changes a copy: a request
// that comes from a hook may have its header in common with others.
func completed(r *http.Request) *http.Request {
	password := r.URL != nil && r.URL.User != nil && r.Header.Get("Authorization") == ""
	if r.Header != nil && !password {
		return r
	}
	out := *r
	if out.Header = r.Header.Clone(); out.Header == nil {
		out.Header = make(http.Header)
	}
	if password {
		text, _ := r.URL.User.Password()
		out.SetBasicAuth(r.URL.User.Username(), text)
	}
	return &out
}
