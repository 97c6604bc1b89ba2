package httpkit

import (
	"bufio"
	"errors"
	"net"
	"net/http"
)

// response is the ResponseWriter that encoders and hooks get. It keeps what
// became of the answer. [http.ResponseController] works through it. It is no
// io.ReaderFrom, whose error would not say which of the two sides broke.
type response struct {
	http.ResponseWriter
	after    func(status int) // called once, before the headers are written
	status   int              // 0 until the headers are written
	written  int64            // bytes of the body
	failed   error            // the first error of the connection
	head     bool             // the answer has no body, since it is to HEAD
	hijacked bool
}

// Unwrap is for [http.ResponseController].
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	informational := 100 <= status && status <= 199 && status != http.StatusSwitchingProtocols
	if !informational && w.status == 0 {
		if after := w.after; after != nil {
			w.after = nil // one that panics must not spoil the answer to that
			after(status)
		}
	}
	w.ResponseWriter.WriteHeader(status) // net/http complains of a second one
	if !informational && w.status == 0 {
		w.status = status
	}
}

func (w *response) begin() {
	if w.status == 0 && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.begin()
	if w.head {
		return len(p), nil
	}
	n, err := w.ResponseWriter.Write(p)
	return n, w.wrote(n, err)
}

// wrote tells a connection that broke from an encoder that does what it may not.
func (w *response) wrote(n int, err error) error {
	w.written += int64(n)
	switch {
	case err == nil || w.failed != nil:
	case errors.Is(err, http.ErrNotSupported), errors.Is(err, http.ErrBodyNotAllowed),
		errors.Is(err, http.ErrContentLength), errors.Is(err, http.ErrHijacked):
	default:
		w.failed = err
	}
	return err
}

// FlushError and Flush send what was written so far; streaming encoders use them.
func (w *response) FlushError() error {
	w.begin()
	return w.wrote(0, http.NewResponseController(w.ResponseWriter).Flush())
}

func (w *response) Flush() { _ = w.FlushError() }

// Hijack hands the connection over. Nothing is written to it any more.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = w.hijacked || err == nil
	return conn, rw, err
}
