package httpkit

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/dowelkit/dowel/endpoint"
)

// StatusCoder is a response that chooses its status, for instance 201. One of
// 204, 205 or 304 is sent without a body.
type StatusCoder interface{ StatusCode() int }

// Headerer is a response that has headers, for instance Location. They replace
// those of the same name; every value is sent. The map is not modified.
type Headerer interface{ Headers() http.Header }

// EncodeJSON answers with the response as JSON, and with the status and headers
// that it chooses as a [StatusCoder] and a [Headerer]. The status is 200
// otherwise.
//
// Pass it to [NewHandler] as it is. Nothing is written before all of the
// response is encoded: a response that cannot be is an error of code Internal
// and no half an answer. The Content-Length is set.
func EncodeJSON[Resp any](_ context.Context, w http.ResponseWriter, resp Resp) error {
	return encodeJSON(w, &resp, methodsOf(&resp))
}

// EncodeNothing answers without a body, with the status and headers that the
// response chooses as [EncodeJSON] does. The status is 204 otherwise. It is for
// methods that have no result.
func EncodeNothing[Resp any](_ context.Context, w http.ResponseWriter, resp Resp) error {
	status, err := setHead(w, methodsOf(&resp), http.StatusNoContent)
	if err == nil {
		w.WriteHeader(status)
	}
	return err
}

// methodsOf returns what has the methods of the response: a pointer to it has
// those of either receiver, unless it is a pointer or an interface itself.
func methodsOf[Resp any](resp *Resp) any {
	switch reflect.TypeFor[Resp]().Kind() {
	case reflect.Pointer, reflect.Interface:
		return *resp
	}
	return resp
}

func encodeJSON(w http.ResponseWriter, ptr, methods any) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if err := buf.encoder.Encode(ptr); err != nil {
		return &endpoint.Error{Code: endpoint.Internal, Err: fmt.Errorf("the response cannot be encoded: %w", err)}
	}
	status, err := setHead(w, methods, http.StatusOK)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		w.WriteHeader(status)
		return nil
	}
	h := w.Header()
	if h["Content-Type"] == nil {
		h["Content-Type"] = jsonType
	}
	h["Content-Length"] = []string{strconv.Itoa(buf.Len())}
	w.WriteHeader(status)
	_, err = w.Write(buf.Bytes())
	return err
}

// jsonType is shared by all answers. Nothing writes into a header's values.
var jsonType = []string{"application/json"}

// setHead sets the headers that the response chooses and returns its status.
func setHead(w http.ResponseWriter, methods any, status int) (int, error) {
	if s, ok := methods.(StatusCoder); ok {
		status = s.StatusCode()
		if status < 200 || status > 599 {
			return 0, &endpoint.Error{Code: endpoint.Internal, Err: fmt.Errorf("the response chose status %d", status)}
		}
	}
	if r, ok := methods.(Headerer); ok {
		for key, values := range r.Headers() {
			w.Header()[http.CanonicalHeaderKey(key)] = slices.Clone(values)
		}
	}
	return status, nil
}
