package httpkit_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

var _ transport.Server = httpkit.NewServer(http.NotFoundHandler())

func TestNewServer(t *testing.T) {
	s := httpkit.NewServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a bound is open: %+v", s)
	}
	if s.WriteTimeout <= s.ReadTimeout {
		t.Error("no time is left to answer what took long to come")
	}
	if text := panics(func() { httpkit.NewServer(nil) }); !strings.Contains(text, "the handler is nil") {
		t.Errorf("got %q", text)
	}
}
